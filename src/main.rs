//! The thin binary over the `release_steps` library.
fn main() {}
