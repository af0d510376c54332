npm demo 1.2.3; echo 1.2.3 >v.txt; echo none >none.txt; echo "1.2.3 1.2.3" >two.txt; commit "feat: first"; tag v1.2.3; commit "fix: x" a
