//! A way for the tests to end the process at a known place, as a kill would.
//!
//! With `RELEASE_STEPS_CRASH_AT=n` a debug build aborts at the n-th change of the outside. Release builds do not look.

/// Stands before and after every change of the outside.
#[inline]
pub fn point() {
    #[cfg(debug_assertions)]
    {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static PASSED: AtomicUsize = AtomicUsize::new(0);
        let at = std::env::var("RELEASE_STEPS_CRASH_AT").ok().and_then(|n| n.parse().ok());
        if at == Some(PASSED.fetch_add(1, Ordering::SeqCst) + 1) {
            std::process::abort();
        }
    }
}
