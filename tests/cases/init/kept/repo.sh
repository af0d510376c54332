kind go-module https://gitlab.com/acme/shop.git
printf 'branch:\n  model: trunk\n' >release-steps.yml
printf 'include: [old.yml]\n' >.gitlab-ci.yml
commit "ci: own pipeline"
