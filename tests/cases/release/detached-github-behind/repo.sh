simple
command git checkout -q --detach
elsewhere "fix: theirs" x
