printf '{"version": "1.2.3"}\n' >"$ROOT/outside.json"
ln -s ../outside.json package.json
commit "feat: first"
tag v1.2.3
commit "fix: x" a
