commit "feat: a" a
tag v1.0.0
command git checkout -q -b topic
commit "feat: topic" t
command git checkout -q main
commit "fix: main" m
git merge -q --no-ff -m "Merge pull request #7 from x/topic

feat: the title" topic
