simple
mkdir .git/info
printf '/reports/\n' >.git/info/exclude
report gitleaks.json
report bandit.json
