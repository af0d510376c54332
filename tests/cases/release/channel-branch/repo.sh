simple
command git checkout -q -b next
commit "feat: next" n
