simple
mkdir .git/info
printf '/reports/\n' >.git/info/exclude
report bandit.json
