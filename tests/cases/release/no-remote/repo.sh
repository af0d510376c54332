npm demo 1.0.0
commit "feat: first"
tag v1.0.0
commit "fix: x" a
