commit "feat: first" a
