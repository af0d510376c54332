kind go-module https://github.com/acme/shop.git
