commit "feat: a" a
tag v1.0.0
commit "feat: b" b
tag v1.1.0-rc.1
commit "fix: c" c
