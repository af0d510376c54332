//! The time, in the zone of this machine.

use std::fs;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Now.
pub fn now() -> Zoned {
    Timestamp::now().to_zoned(zone())
}

/// The zone of this machine. Where its file is, that one alone is read: to find it by its name, the whole database of zones would
/// be listed first, at every start.
fn zone() -> TimeZone {
    const FILE: &str = "/etc/localtime";
    if std::env::var_os("TZ").is_none()
        && let Ok(path) = fs::canonicalize(FILE)
        && let Some((_, name)) = path.to_str().and_then(|path| path.split_once("/zoneinfo/"))
        && let Ok(bytes) = fs::read(&path)
        && let Ok(zone) = TimeZone::tzif(name, &bytes)
    {
        return zone;
    }
    TimeZone::system()
}

#[cfg(test)]
mod tests {
    /// What is read is what the library would have found.
    #[test]
    fn the_zone_is_the_one_of_the_machine() {
        let now = jiff::Timestamp::now();
        let (ours, theirs) = (now.to_zoned(super::zone()), now.to_zoned(jiff::tz::TimeZone::system()));
        assert_eq!(ours.to_string(), theirs.to_string());
    }
}
