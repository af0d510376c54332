simple
mkdir -p .git/hooks
for hook in pre-commit commit-msg prepare-commit-msg post-commit post-checkout reference-transaction; do
  printf '#!/bin/sh\necho "%s ran" >>"$ROOT/hooks-ran"\n[ %s = reference-transaction ] || exit 1\n' $hook $hook >.git/hooks/$hook
  chmod +x .git/hooks/$hook
done
