//! Times as people write them: instants of records, and how long to wait.
//!
//! Kafka counts milliseconds since the Unix epoch. A time without a zone is refused: what it means
//! would depend on the machine that reads it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Milliseconds since the Unix epoch, from RFC 3339 or from the number itself.
pub(crate) fn parse_millis(text: &str) -> Result<i64, String> {
    if let Ok(millis) = text.parse::<i64>() {
        if millis < 0 {
            return Err(format!("{millis} is before 1970, which Kafka cannot store"));
        }
        return Ok(millis);
    }
    let instant: Timestamp = text.parse().map_err(|_| {
        format!(
            "{text:?} is neither milliseconds since 1970 nor a time such as 2026-01-31T08:00:00Z"
        )
    })?;
    if instant.as_millisecond() < 0 {
        return Err(format!("{text} is before 1970, which Kafka cannot store"));
    }
    Ok(instant.as_millisecond())
}

/// RFC 3339 in UTC, or the number where it is outside what calendars cover.
pub(crate) fn render_millis(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(instant) => format!("{instant:.3}"),
        Err(_) => millis.to_string(),
    }
}

/// A waiting time: `10s`, `500ms`, `2m`, or seconds without a unit.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        Err(_) => {
            text.parse().map_err(|_| "a time such as 500ms, 10s or 2m is expected".to_owned())?
        }
    };
    match Duration::try_from(parsed) {
        // The Kafka client counts milliseconds in 32 bits.
        Ok(wait) if !wait.is_zero() && wait.as_millis() <= i32::MAX as u128 => Ok(wait),
        _ => Err("a time above 0 and below 24 days is expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_milliseconds_or_rfc_3339_with_a_zone() {
        assert_eq!(parse_millis("1767225600000"), Ok(1_767_225_600_000));
        assert_eq!(parse_millis("2026-01-01T00:00:00Z"), Ok(1_767_225_600_000));
        assert_eq!(parse_millis("2026-01-01T01:00:00+01:00"), Ok(1_767_225_600_000));
        assert!(parse_millis("2026-01-01T00:00:00").is_err(), "no zone");
        assert!(parse_millis("1969-12-31T23:59:59Z").is_err());
        assert!(parse_millis("-1").is_err());
        assert_eq!(render_millis(1_767_225_600_000), "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn waits_have_a_unit_or_are_seconds() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
        assert!(parse_duration("0").is_err());
        assert!(parse_duration("-3s").is_err());
        assert!(parse_duration("soon").is_err());
        assert!(parse_duration("25d").is_err(), "days are no exact time");
    }
}
