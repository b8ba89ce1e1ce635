//! Moments as people write them, and as answers show them.

use anyhow::{Context, Result, bail};
use model::Timestamp;
use quota::Minute;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads a moment: RFC 3339 (`2026-01-31T10:00:00Z`), a day of UTC (`2026-01-31`), or how long before
/// `now` it lies (`90m`, `24h`, `7d`).
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Some(ago_ms) = parse_ago(text) {
        return Ok(Timestamp(now.0.saturating_sub(ago_ms)));
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let moment = OffsetDateTime::parse(&whole, &Rfc3339)
        .with_context(|| format!("{text} is no moment: 2026-01-31T10:00:00Z, 2026-01-31 or 24h"))?;
    let ms = moment.unix_timestamp_nanos() / 1_000_000;
    match i64::try_from(ms) {
        Ok(ms) => Ok(Timestamp(ms)),
        Err(_) => bail!("{text} is too far away"),
    }
}

fn parse_ago(text: &str) -> Option<i64> {
    let (number, unit_ms) = match text.strip_suffix('m') {
        Some(number) => (number, 60_000),
        None => match text.strip_suffix('h') {
            Some(number) => (number, 3_600_000),
            None => (text.strip_suffix('d')?, 24 * 3_600_000),
        },
    };
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    number.checked_mul(unit_ms)
}

/// The start of a minute as RFC 3339; beyond the years that it knows, milliseconds since 1970.
pub fn show(minute: Minute) -> String {
    let start = minute.start();
    let moment = OffsetDateTime::from_unix_timestamp(start.seconds()).ok();
    let text = moment.and_then(|moment| moment.format(&Rfc3339).ok());
    text.unwrap_or_else(|| start.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form() {
        let now = Timestamp(1_000_000_000_000);
        let read = |text: &str| parse(text, now).map(|moment| moment.0).ok();
        assert_eq!(read("1970-01-02"), Some(86_400_000));
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(read("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(read("90m"), Some(now.0 - 5_400_000));
        assert_eq!(read("2d"), Some(now.0 - 172_800_000));
        for wrong in [
            "",
            "h",
            "-1h",
            "tomorrow",
            "1970-13-01",
            "9223372036854775807d",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn minutes_are_shown_as_rfc_3339() {
        assert_eq!(show(Minute(61)), "1970-01-01T01:01:00Z");
        assert_eq!(show(Minute(i64::MAX)), i64::MAX.to_string());
    }
}
