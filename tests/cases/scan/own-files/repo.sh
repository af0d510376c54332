simple
report semgrep.sarif
report bandit.json ./reports/bandit.json
