simple
commit "fix: not pushed" x
