commit "feat: one" a
tag v1.0.0
commit "feat: two" a
origin
