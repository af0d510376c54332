simple
touch release-steps.yml release-steps.yaml
