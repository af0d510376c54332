simple
elsewhere "fix: theirs" x
