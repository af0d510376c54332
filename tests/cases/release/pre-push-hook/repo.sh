simple
mkdir -p .git/hooks
printf '#!/bin/sh\necho "tests failed" >&2\nexit 1\n' >.git/hooks/pre-push
chmod +x .git/hooks/pre-push
