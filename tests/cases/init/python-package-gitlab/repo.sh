kind python-package https://gitlab.com/acme/shop.git
