simple
command git checkout -q -b spare
command git worktree add -q ../linked main
