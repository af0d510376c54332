simple
tag v1.3.0
command git push -q origin v1.3.0
command git tag -d v1.3.0 >/dev/null
commit "fix: more" z
