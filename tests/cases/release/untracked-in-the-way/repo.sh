simple
echo mine >CHANGELOG.md
