npm demo 1.2.3
commit "feat: first"
tag v1.2.3
commit "docs: words" a
commit "chore: broom" b
origin
