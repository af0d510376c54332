commit "docs: x" a
