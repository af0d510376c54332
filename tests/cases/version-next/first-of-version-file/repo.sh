npm demo 1.0.0
commit "feat: first"
