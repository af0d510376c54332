command git config core.autocrlf true
npm demo 1.2.3
commit "feat: first" 2>/dev/null
tag v1.2.3
commit "fix: x" a 2>/dev/null
rm package.json
command git checkout -q -- package.json
