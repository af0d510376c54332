//! How long a gate looks again at what is pending: shortly. A job that waits for long holds a runner; a pipeline that ends
//! "pending" can be started again.

use jiff::SignedDuration;

/// How long a look lasts that nobody configured.
pub const SHORT: SignedDuration = SignedDuration::from_secs(30);
/// The longest that may be asked for.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// The wait before the next look, after `waited` of `whole`; none when the time is up.
///
/// About six looks, at most one in 200 ms and at least one in ten seconds, and the last one at the very end.
pub fn pause(waited: SignedDuration, whole: SignedDuration) -> Option<SignedDuration> {
    let left = whole.checked_sub(waited).filter(|left| left.is_positive())?;
    let step = (whole / 6).clamp(SignedDuration::from_millis(200), SignedDuration::from_secs(10));
    // What would be left for a last look of its own is added to this one.
    Some(if left < step + step / 2 { left } else { step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_end_with_the_time() {
        for (whole, looks) in [(0, 0), (1, 1), (200, 1), (1_000, 5), (30_000, 6), (60_000, 6), (600_000, 60)]
        {
            let whole = SignedDuration::from_millis(whole);
            let mut waited = SignedDuration::ZERO;
            let mut count = 0;
            while let Some(pause) = pause(waited, whole) {
                assert!(pause.is_positive());
                waited += pause;
                count += 1;
            }
            assert_eq!((waited, count), (whole, looks), "{whole:?}");
        }
        assert_eq!(pause(SignedDuration::from_secs(2), SignedDuration::from_secs(1)), None);
        assert_eq!(pause(SignedDuration::ZERO, SignedDuration::from_secs(-1)), None);
    }
}
