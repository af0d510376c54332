kind npm-workspace https://github.com/acme/shop.git
