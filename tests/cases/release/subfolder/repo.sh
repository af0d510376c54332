simple
commit "docs: sub" sub/x
