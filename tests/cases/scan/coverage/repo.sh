simple
mkdir .git/info
printf '/reports/\n' >.git/info/exclude
report pytest-lcov.info
report pytest-junit.xml
