simple
cd "$ROOT"
rm -rf repo
mv origin.git repo
