kind java-maven https://gitlab.com/acme/shop.git
