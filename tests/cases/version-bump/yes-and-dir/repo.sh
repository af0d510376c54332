simple
mkdir -p sub; commit "docs: sub" sub/x
