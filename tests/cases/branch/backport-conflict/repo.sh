simple
command git branch release/v1.2.0 v1.2.3
commit "feat: a once more" a
