//! Times as the API shows them.

/// RFC 3339, UTC, milliseconds; from microseconds since the epoch.
pub fn shown(micros: i64) -> String {
    let moment = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn times_have_milliseconds_and_are_utc() {
        assert_eq!(shown(1_764_000_000_123_456), "2025-11-24T16:00:00.123Z");
        assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
    }
}
