npm demo 0.1.0
commit "feat: zero" a
tag v0.1.0
commit "feat(api): one" b
commit "fix!: two" c
tag v1.0.0
commit "fix: three" d
commit "fix: four (!12)

Closes #3" e
command git remote add origin https://gitlab.com/group/sub/name.git
