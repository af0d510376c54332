simple
mkdir .git/info
printf '/reports/\n' >.git/info/exclude
report semgrep.sarif
report osv.json
