simple
commit "feat!: two" c
tag v1.2.4
command git checkout -q -b 1.2.x v1.2.3
commit "fix: old" t
