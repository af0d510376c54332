simple
echo changed >>a
command git add a
