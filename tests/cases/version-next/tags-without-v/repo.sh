commit "feat: a" a
tag 1.0.0
tag nightly
tag release-candidate
commit "fix: b" b
