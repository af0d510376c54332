commit "feat: a" a
tag v1.0.0
printf 'feat: na\xefve caf\xe9' >"$ROOT/message"
echo x >b
command git add b
git -c i18n.commitEncoding=ISO-8859-1 commit -q -F "$ROOT/message"
rm "$ROOT/message"
