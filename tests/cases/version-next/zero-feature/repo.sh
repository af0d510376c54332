commit "feat: a" a
tag v0.3.1
commit "feat: b" b
