mkdir "$ROOT/outside"
printf '{"version": "1.2.3"}\n' >"$ROOT/outside/package.json"
ln -s ../outside pkg
commit "feat: first"
tag v1.2.3
commit "fix: x" a
