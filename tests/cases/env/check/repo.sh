printf '# what the shop needs\nDATABASE_URL=postgres://localhost/shop\nexport API_KEY="a b"\nno good=1\nCERT="-----BEGIN\nNOT_A_NAME=x\n-----END"\n' > .env.example
commit "feat: first"
