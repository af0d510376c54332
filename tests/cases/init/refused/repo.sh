simple
command git remote set-url origin https://github.com/acme/shop.git
