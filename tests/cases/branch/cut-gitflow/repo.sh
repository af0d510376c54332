simple
command git checkout -q -b develop
commit "feat: dev" d
command git push -q origin develop
