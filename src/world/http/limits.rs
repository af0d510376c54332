//! How long is waited, how much is read, how often is tried, and what servers say about their rate limits.

use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use http::{HeaderMap, StatusCode};

/// The limits of a client.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest wait for the next bytes of an answer.
    pub idle: Duration,
    /// The longest that a request with its whole answer may take.
    pub total: Duration,
    /// The same where a file is sent or fetched.
    pub transfer: Duration,
    /// The longest answer, in bytes.
    pub body: usize,
    /// How often a request that may be repeated is sent at most.
    pub tries: u32,
    /// How long all waits between tries may take together.
    pub wait: Duration,
    /// The wait after the first failure; it doubles with each.
    pub step: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(90),
            transfer: Duration::from_secs(30 * 60),
            body: 32 << 20,
            tries: 4,
            wait: Duration::from_secs(5 * 60),
            step: Duration::from_millis(500),
        }
    }
}

impl Limits {
    /// The wait after the failure of this try, counted from 1: doubled each time, between half and all of it by chance,
    /// so that jobs that failed together do not come back together.
    pub(super) fn back_off(&self, tries: u32) -> Duration {
        let full = self.step.saturating_mul(1 << tries.saturating_sub(1).min(6));
        // The standard library seeds each of these anew; no more chance than that is needed.
        let chance = std::collections::hash_map::RandomState::new().build_hasher().finish() % 1000;
        full / 2 + full.mul_f64(chance_as_fraction(chance) / 2.0)
    }
}

fn chance_as_fraction(chance: u64) -> f64 {
    f64::from(u32::try_from(chance).unwrap_or(0)) / 1000.0
}

/// How long the server wants to be left alone, where an answer is one about its rate limit.
///
/// GitHub answers 403 or 429, with `retry-after`, or with `x-ratelimit-remaining: 0` and `x-ratelimit-reset`, or with
/// neither, then a minute is to be waited
/// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>).
/// GitLab answers 429 with `Retry-After` and `RateLimit-Reset`
/// (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers>).
pub(super) fn asked_to_wait(
    status: StatusCode,
    headers: &HeaderMap,
    said: &str,
    now: u64,
) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
    let spent = ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| number(name) == Some(0));
    let said = said.to_ascii_lowercase();
    let limited = match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => {
            spent
                || headers.contains_key("retry-after")
                || said.contains("rate limit")
                || said.contains("abuse detection")
        }
        _ => false,
    };
    if !limited {
        return None;
    }
    let after = text("retry-after").and_then(|value| match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_second();
            Some(Duration::from_secs(u64::try_from(at).ok()?.saturating_sub(now)))
        }
    });
    let reset = || {
        let at = number("x-ratelimit-reset").or_else(|| number("ratelimit-reset")).filter(|_| spent)?;
        // The clocks of two machines differ by a little.
        Some(Duration::from_secs(at.saturating_sub(now).saturating_add(1)))
    };
    Some(after.or_else(reset).unwrap_or(Duration::from_secs(60)))
}

/// What a server asks for with `Retry-After` on another error, such as 503.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
