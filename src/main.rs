//! The thin binary over the `release_steps` library.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(release_steps::cli::main())
}
