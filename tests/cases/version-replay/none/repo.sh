commit "feat: a" a
