simple
mkdir .git/info
printf '/reports/\n' >.git/info/exclude
report semgrep.sarif
report trivy-nothing.json
report not-run.sarif
report npm-audit-error.json
report pip-audit-skipped.json
mkdir reports/empty
: >reports/empty/bandit.json
head -c 700 reports/semgrep.sarif >reports/cut.sarif
echo '{"hello": 1}' >reports/other.json
