commit "feat: first"
