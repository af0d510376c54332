commit "feat: a" a
tag demo/1.0.0
tag v9.0.0
commit "fix: b" b
