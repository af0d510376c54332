printf '[workspace]\nmembers = ["a", "b"]\n\n[workspace.package]\nversion = "1.0.0"\n' >Cargo.toml
mkdir -p a/src b/src
for p in a b; do printf '[package]\nname = "%s"\nversion.workspace = true\n' $p >$p/Cargo.toml; touch $p/src/lib.rs; done
printf 'version = 4\n\n[[package]]\nname = "a"\nversion = "1.0.0"\n\n[[package]]\nname = "b"\nversion = "1.0.0"\n' >Cargo.lock
commit "feat: all"
tag v1.0.0
commit "fix: core" a/src/lib.rs
