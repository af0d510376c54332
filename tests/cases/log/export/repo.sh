npm demo 1.2.3
commit "feat: first"
tag v1.2.3
COMMIT=$(git rev-parse HEAD)
record() {
  mkdir -p ".git/release-steps/record/deployments/$1"
  cat > ".git/release-steps/record/deployments/$1/$2.json"
}
record production 20260201T020000.000Z-0123456789abcdef <<RECORD
{"format": 1, "id": "20260201T020000.000Z-0123456789abcdef", "tool": "0.1.0", "step": "deploy", "summary": "deploy 1.2.3 to production",
 "outcome": "done", "who": "ada", "place": "https://ci.example/jobs/7", "started": "2026-02-01T02:00:00Z", "ended": "2026-02-01T02:30:10.200Z",
 "deployment": {"environment": "production", "version": "1.2.3", "previous": "1.2.2", "commit": "$COMMIT", "verifies": true,
  "digests": {"app.tgz": "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"}, "rollback_until": "2026-02-08T02:00:00Z", "objective": 900},
 "findings": [{"answer": "pass", "check": "window", "message": "window: open"}, {"answer": "pass", "check": "verify", "message": "errors: pass: 0.0005 of at most 0.01"}],
 "effects": [{"at": "1.1", "effect": "deploy 1.2.3 to production: run \`npm run deploy\`", "how": "done", "ended": "2026-02-01T02:01:00Z", "ms": 5200}],
 "outputs": {"migration": {"changes": "+1 table (audit_logs), +5 indexes", "duration": "5.2 s"},
  "series": [{"name": "errors", "points": [[0, 0.0004], [30, 0.0005], [60, 0.002]], "max": 0.01, "baseline": 0.0004}]}}
RECORD
record production 20260202T020000.000Z-0123456789abcdef <<RECORD
{"format": 1, "id": "20260202T020000.000Z-0123456789abcdef", "tool": "0.1.0", "step": "deploy", "summary": "deploy <script>alert(1)</script> to production",
 "outcome": "rolled-back", "who": "<b>mallory</b> [x](javascript:1)", "started": "2026-02-02T02:00:00Z", "ended": "2026-02-02T02:04:00Z",
 "why": {"kind": "no", "message": "smoke production: 1 of 3 failed; went back to 1.2.3 in 42 s", "hint": "look at the log"},
 "deployment": {"environment": "production", "version": "1.3.0", "previous": "1.2.3", "verifies": true, "objective": 900, "recovery": 42},
 "findings": [{"answer": "fail", "check": "smoke", "message": "status 500, expected 200", "at": "http https://shop.example/<img src=x>"}]}
RECORD
