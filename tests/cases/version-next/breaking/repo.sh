commit "feat: a" a
tag v1.3.1
commit "fix: b

BREAKING CHANGE: everything" b
commit "fix: c

BREAKING-CHANGE: more" c
commit "refactor(core)!: d" d
