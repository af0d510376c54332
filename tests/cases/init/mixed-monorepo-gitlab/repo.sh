kind mixed-monorepo https://gitlab.com/acme/shop.git
