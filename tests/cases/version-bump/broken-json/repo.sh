printf '{"name": "demo", "version": "1.2.3",,}\n' >package.json
commit "feat: first"
tag v1.2.3
commit "fix: x" a
