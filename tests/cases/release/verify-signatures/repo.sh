mkdir dist
echo first >dist/a.tgz
echo second >'dist/b $(id).tgz'
(cd dist && sha256sum -- *.tgz >SHA256SUMS)
echo dist/ >.gitignore
commit "feat: one" a
tag v1.0.0
