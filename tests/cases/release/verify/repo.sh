mkdir dist
echo first >dist/a.tgz
echo second >dist/b.tgz
echo dist/ >.gitignore
commit "feat: one" a
tag v1.0.0
{ sha256sum dist/a.tgz; sha256sum dist/b.tgz; } | sed 's,dist/,,' >dist/SHA256SUMS
