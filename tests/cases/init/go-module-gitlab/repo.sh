kind go-module https://gitlab.com/acme/shop.git
