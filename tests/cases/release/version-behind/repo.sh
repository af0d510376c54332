npm demo 1.0.0
commit "feat: first"
tag v1.2.3
commit "fix: x" a
