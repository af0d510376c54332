kind mixed-monorepo https://github.com/acme/shop.git
