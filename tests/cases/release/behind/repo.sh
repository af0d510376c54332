simple
elsewhere "fix: theirs" x
command git fetch -q
