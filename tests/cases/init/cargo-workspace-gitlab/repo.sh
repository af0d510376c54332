kind cargo-workspace https://gitlab.com/acme/shop.git
