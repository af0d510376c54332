commit "feat: a" a
tag v0.1.0
commit "fix: b" b
tag v0.1.1
commit "feat: c" c
tag v0.1.2
commit "docs: d" d
tag v0.1.3
commit "feat!: e" e
tag v1.0.0
