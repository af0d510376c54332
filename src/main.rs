//! The thin binary over the `release_steps` library.

/// Templates and parsed commits are many small allocations, which musl's own allocator is slow at.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(release_steps::cli::main())
}
