npm demo 1.2.3
chmod +x package.json
commit "feat: first"
tag v1.2.3
commit "fix: x" a
