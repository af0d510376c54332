simple
command git checkout -q --detach
