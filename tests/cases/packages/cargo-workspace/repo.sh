printf '[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n\n[workspace.dependencies]\ncore = { path = "crates/core", version = "1.0.0" } # ours\n' >Cargo.toml
mkdir -p crates/core/src crates/app/src
printf '[package]\nname = "core"\nversion = "1.0.0"\nedition = "2021"\n' >crates/core/Cargo.toml
printf '[package]\nname = "app"\nversion = "0.2.0"\nedition = "2021"\n\n[dependencies]\ncore = { workspace = true }\n' >crates/app/Cargo.toml
printf 'version = 4\n\n[[package]]\nname = "app"\nversion = "0.2.0"\ndependencies = [\n "core",\n]\n\n[[package]]\nname = "core"\nversion = "1.0.0"\n' >Cargo.lock
touch crates/core/src/lib.rs crates/app/src/lib.rs
commit "feat: all"
tag core-v1.0.0
tag app-v0.2.0
commit "feat!: core" crates/core/src/lib.rs
origin
