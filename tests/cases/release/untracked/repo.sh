simple
echo new >note.txt
