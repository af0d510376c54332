simple
command git branch release/v1.2.0 v1.2.3
command git push -q origin release/v1.2.0
commit "fix: needed" q
