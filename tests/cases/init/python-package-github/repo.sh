kind python-package https://github.com/acme/shop.git
