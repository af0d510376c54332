simple
commit "work in progress" c
git branch develop
git push -q origin develop
command git remote set-url origin https://code.acme.test/shop/shop.git
