npm demo 1.2.3
commit "feat: first"
tag v1.2.3
for i in 1 2 3; do commit "feat: $i" a; done
origin
reclone --depth 2
command git remote remove origin
