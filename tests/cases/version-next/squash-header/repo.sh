commit "feat: a" a
tag v1.0.0
commit "fix: squashed (#12)

* feat: one
* fix: two" b
