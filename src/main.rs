//! The thin binary over the `release_steps` library.

/// Templates and parsed commits are many small allocations, which the allocators of glibc and more so musl are slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(release_steps::cli::main())
}
