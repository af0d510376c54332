simple
commit "feat!: two" c
tag v2.0.0
command git checkout -q -b 1.2.x v1.2.3
commit "fix: old" t
command git push -q origin main 1.2.x --tags
