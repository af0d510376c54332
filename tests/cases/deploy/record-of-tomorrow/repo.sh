printf 'dist\nlive\nbad*\n' > .gitignore
mkdir dist; echo one > dist/app
npm demo 1.2.3
commit "feat: first"
tag v1.2.3
origin

mkdir -p .git/release-steps/record/deployments/production
echo '{"format": 2}' > .git/release-steps/record/deployments/production/20260203T020000.000Z-0123456789abcdef.json
