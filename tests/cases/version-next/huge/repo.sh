npm demo 1.0.0
commit "feat: a" a
tag v1.0.0
{ echo "feat: huge"; echo; head -c 10000000 /dev/zero | tr '\0' 'x' | fold -w 79; echo; echo; echo "BREAKING CHANGE: after 10 MB"; } >"$ROOT/message"
git commit -q --allow-empty -F "$ROOT/message"
rm "$ROOT/message"
