simple
command git checkout -q -b develop
commit "feat: dev" d
command git checkout -q -b release/v1.3.0
commit "fix: last" e
command git push -q origin develop release/v1.3.0
