simple
echo changed >>a
