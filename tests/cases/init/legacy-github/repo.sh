simple
commit "work in progress" c
command git remote set-url origin https://github.com/acme/shop.git
