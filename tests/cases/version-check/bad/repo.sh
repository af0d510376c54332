simple
commit "oops" c
commit "feat:no space" d
commit "fixup! feat: second" e
