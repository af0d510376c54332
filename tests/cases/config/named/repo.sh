simple
echo 'version: { initial: 9.0.0, rules: { feat: major } }' >"$ROOT/other.yml"
