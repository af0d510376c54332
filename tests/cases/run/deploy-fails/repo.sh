printf 'dist\nlive\nbad*\n' > .gitignore
simple
