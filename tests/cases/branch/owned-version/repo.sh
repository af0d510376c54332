simple
command git branch release/v1.3.0
