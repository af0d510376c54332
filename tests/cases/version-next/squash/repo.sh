commit "feat: a" a
tag v1.0.0
commit "fix: squashed (#12)

* feat: one
* fix: two

BREAKING CHANGE: it breaks" b
commit "Squashed thing (#13)

* feat(api): three
* not a commit" c
