npm demo 1.2.3
commit "feat: first"
tag v1.2.3
commit "feat: leak hunter2hunter2 and https://bob:pa55word@example.org/x" a
command git remote add origin "https://bob:pa55word@127.0.0.1:1/x.git"
