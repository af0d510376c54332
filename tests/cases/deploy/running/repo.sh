deployable

digest=0123456789abcdef
mkdir -p .git/release-steps/record/deployments/production
cat > .git/release-steps/record/deployments/production/20260203T020000.000Z-$digest.json <<'RECORD'
{"format": 1, "id": "20260203T020000.000Z-0123456789abcdef", "tool": "0.1.0", "step": "deploy", "summary": "deploy 1.2.2 to production",
 "outcome": "running", "who": "bob", "place": "https://ci.example/jobs/7", "started": "2026-02-03T02:00:00Z",
 "deployment": {"environment": "production", "version": "1.2.2", "verifies": true}}
RECORD
