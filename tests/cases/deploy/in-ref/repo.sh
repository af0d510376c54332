deployable
touch "$ROOT/.deepens"  # records that are not here are fetched, also to show a plan
