simple
mkdir -p sub/folder
