npm demo 1.2.3
commit "feat: first"
tag v1.2.3
for i in 1 2 3 4 5 6 7 8 9; do commit "feat: $i" a; done
origin
reclone --depth 2
