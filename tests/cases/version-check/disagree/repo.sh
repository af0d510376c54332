npm demo 1.0.0
echo 1.1.0 >VERSION
printf '# Log\n\n## 1.0.0\n' >CHANGELOG.md
commit "feat: first"
tag v1.2.3
