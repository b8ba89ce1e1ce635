//! When a presigned request is good.

use model::Timestamp;
use time::{Date, Month, Time};

use super::{IamFailure, Rules};

/// Longest time that a request is good for, whatever it says: what AWS's own MSK libraries ask
/// for. A request that asks for more gets this.
pub const EXPIRES_SECONDS_MAX: u64 = 900;

/// From when to when, both included.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    /// The window that starts at `date`, `yyyyMMdd'T'HHmmss'Z'`, and lasts `expires` seconds. A
    /// fraction of a second, which the JavaScript signer may write, is cut off.
    pub(super) fn parse(date: &str, expires: &str) -> Result<Self, IamFailure> {
        let from = unix_seconds(date).ok_or_else(|| IamFailure::Date { date: date.into() })?;
        let lasts = whole_seconds(expires).ok_or_else(|| IamFailure::Expires {
            expires: expires.into(),
        })?;
        let lasts = i64::try_from(lasts.min(EXPIRES_SECONDS_MAX)).expect("900 fits");
        Ok(Self {
            from: Timestamp(from * 1000),
            until: Timestamp((from + lasts) * 1000),
        })
    }

    /// Whether it is open.
    pub(super) fn check(&self, rules: &Rules) -> Result<(), IamFailure> {
        let ahead_ms = self.from.0.saturating_sub(rules.now.0);
        if ahead_ms > rules.clock_skew_ms {
            return Err(IamFailure::Future { ahead_ms });
        }
        let late_ms = rules.now.0.saturating_sub(self.until.0);
        if late_ms > 0 {
            return Err(IamFailure::Expired { late_ms });
        }
        Ok(())
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.until
    }
}

fn unix_seconds(date: &str) -> Option<i64> {
    let digits = date.strip_suffix('Z')?;
    let (day, time) = digits.split_once('T')?;
    if day.len() != 8 || time.len() != 6 {
        return None;
    }
    let [year, month_day] = pair(number(day)?, 10_000);
    let [month, day] = pair(month_day, 100);
    let [hour, minute_second] = pair(number(time)?, 10_000);
    let [minute, second] = pair(minute_second, 100);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year = i32::try_from(year).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let [hour, minute, second] = [hour, minute, second].map(u8::try_from);
    let time = Time::from_hms(hour.ok()?, minute.ok()?, second.ok()?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

fn pair(number: u64, divisor: u64) -> [u64; 2] {
    [number / divisor, number % divisor]
}

fn whole_seconds(expires: &str) -> Option<u64> {
    let (whole, fraction) = expires.split_once('.').unwrap_or((expires, "0"));
    number(fraction).and(number(whole))
}

/// Nothing but digits; Rust's own parser takes a sign.
fn number(digits: &str) -> Option<u64> {
    let only_digits = digits.bytes().all(|b| b.is_ascii_digit());
    only_digits.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_to_the_letter() {
        assert_eq!(unix_seconds("20260115T120000Z"), Some(1_768_478_400));
        assert_eq!(unix_seconds("20240229T235959Z"), Some(1_709_251_199));
        assert_eq!(unix_seconds("19700101T000000Z"), Some(0));
        for wrong in [
            "",
            "Z",
            "T",
            "20260115T120000",
            "20260115 120000Z",
            "20260115t120000Z",
            "2026011T5120000Z",
            "20260115T12000Z",
            "20261315T120000Z",
            "20260230T120000Z",
            "20260115T240000Z",
            "20260115T126000Z",
            "20260115T120060Z",
            "+2026115T120000Z",
            "20260115T120000ZZ",
            "2026é15T120000Z",
        ] {
            assert_eq!(unix_seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn validity_is_whole_seconds_and_never_above_the_limit() {
        let lasts = |expires| {
            let window = Window::parse("19700101T000000Z", expires).ok()?;
            Some(window.expires_at().0)
        };
        assert_eq!(lasts("0"), Some(0));
        assert_eq!(lasts("300"), Some(300_000));
        assert_eq!(lasts("456.789"), Some(456_000));
        assert_eq!(lasts("900"), Some(900_000));
        assert_eq!(lasts("1200"), Some(900_000));
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1.2.3",
            " 1",
            "99999999999999999999",
        ] {
            assert_eq!(lasts(wrong), None, "{wrong}");
        }
    }
}
