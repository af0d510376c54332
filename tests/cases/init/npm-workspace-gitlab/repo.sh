kind npm-workspace https://gitlab.com/acme/shop.git
