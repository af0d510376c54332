command git remote add origin https://github.com/acme/shop.git
