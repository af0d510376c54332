commit "feat: a" a
tag v1.0.0
commit "docs(readme.md): b" b
commit "refactor: c" c
