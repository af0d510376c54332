simple
command git checkout -q -b side
commit "feat: side" s
tag v1.3.0
command git checkout -q main
