printf 'dist\nlive\nbad*\n' > .gitignore
mkdir dist; echo one > dist/app
npm demo 1.2.3
commit "feat: first"
tag v1.2.3
origin
