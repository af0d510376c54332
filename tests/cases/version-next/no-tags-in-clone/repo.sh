simple
reclone --no-tags
