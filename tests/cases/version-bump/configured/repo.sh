printf 'x = 1\nAPP_VERSION = "1.2.3"; // keep\n' >app.js
printf '{"a": {"b": [{"v": "1.2.3"}]}}' >deep.json
printf '[tool.x]\nrelease = "1.2.3"\n' >x.toml
printf 'image:\n  tag: v1.2.3\n' >values.yaml
printf '<a><b c="1"><rev>1.2.3</rev></b></a>\n' >x.xml
commit "feat: first"
tag v1.2.3
commit "fix: second" a
