kind java-maven https://github.com/acme/shop.git
