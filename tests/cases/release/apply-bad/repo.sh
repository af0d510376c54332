simple
echo '{"format": 99}' >future.json
echo '{"format": 1, "tool": "x", "step": "release", "summary": "", "created": "2026-01-01T00:00:00Z", "waves": [{"effects": [{"effect": "explode"}]}]}' >strange.json
