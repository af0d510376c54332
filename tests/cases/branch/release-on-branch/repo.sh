simple
command git checkout -q -b release/v1.4.0
commit "fix: on the branch" q
