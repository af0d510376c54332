npm demo 1.2.3
commit "feat: first"
