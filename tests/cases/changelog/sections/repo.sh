npm demo 0.1.0
commit "feat: zero" a
tag v0.1.0
commit "feat(api): one" b
commit "fix!: two" c
tag v1.0.0
commit "fix: three" d
