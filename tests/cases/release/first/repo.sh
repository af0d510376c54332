npm demo 0.0.0
commit "feat: first"
origin
