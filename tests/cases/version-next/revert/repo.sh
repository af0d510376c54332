commit "feat: a" a
tag v1.3.1
commit "feat: b" b
commit "fix: c" c
git revert --no-edit HEAD~1 >/dev/null
