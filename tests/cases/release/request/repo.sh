echo '{"version": "1.0.0"}' >package.json
commit "feat: one" a
tag v1.0.0
commit "feat: two" a
origin
