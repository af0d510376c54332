kind cargo-workspace https://github.com/acme/shop.git
