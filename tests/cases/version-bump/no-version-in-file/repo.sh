printf '{"name": "demo", "private": true}\n' >package.json
commit "feat: first"
tag v1.2.3
commit "fix: x" a
