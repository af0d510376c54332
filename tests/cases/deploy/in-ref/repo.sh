printf 'dist\nlive\nbad*\n' > .gitignore
mkdir dist; echo one > dist/app
npm demo 1.2.3
commit "feat: first"
tag v1.2.3
origin
touch "$ROOT/.deepens"  # records that are not here are fetched, also to show a plan
