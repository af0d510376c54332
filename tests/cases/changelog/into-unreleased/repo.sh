printf '# Log\n\n## [Unreleased]\n\n## [1.0.0]\n\n- x\n' >CHANGELOG.md
npm demo 0.1.0
commit "feat: zero" a
tag v0.1.0
commit "feat(api): one" b
commit "fix!: two" c
tag v1.0.0
commit "fix: three" d
