printf '{\n  "version": "1.2.3",\n  "version": "1.2.4"\n}\n' >package.json
commit "feat: first"
tag v1.2.3
commit "fix: x" a
