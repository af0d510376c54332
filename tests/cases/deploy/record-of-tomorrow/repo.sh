deployable

mkdir -p .git/release-steps/record/deployments/production
echo '{"format": 2}' > .git/release-steps/record/deployments/production/20260203T020000.000Z-0123456789abcdef.json
