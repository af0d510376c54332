simple
command git checkout -q --detach
command git branch -q -D main
