//! Times as publishers write them, in RFC 3339 and UTC, so that the greatest text
//! is the latest. What is no time is None, never a guess.

use jiff::Timestamp;

/// A time of RFC 3339 with any offset: `2025-03-29T14:31:53+08:00`.
pub(crate) fn utc(time: &str) -> Option<String> {
    time.parse::<Timestamp>().ok().map(|time| time.to_string())
}

/// The same, where no offset means UTC: `2024-10-10T12:04:24`.
pub(crate) fn utc_or_unsaid(time: &str) -> Option<String> {
    utc(time).or_else(|| utc(&format!("{}Z", time.trim())))
}

/// Seconds since 1970.
pub(crate) fn of_seconds(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Milliseconds since 1970.
pub(crate) fn of_milliseconds(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(|time| time.to_string())
}

/// A day, perhaps with a time in UTC: `2011-09-27 22:46`, `2023-02-17 20:41:00`, `2024-01-01`.
pub(crate) fn of_day(date: &str) -> Option<String> {
    let date = date.trim();
    let (day, time) = date.split_once(' ').unwrap_or((date, "00:00:00"));
    let seconds = if time.len() == "00:00".len() { ":00" } else { "" };
    utc(&format!("{day}T{time}{seconds}Z"))
}

/// As HTTP writes it: `Wed, 21 Oct 2015 07:28:00 GMT`.
pub(crate) fn of_header(text: &str) -> Option<String> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_an_offset_is_of_utc() {
        let cases = [
            ("2024-10-10T12:04:24", Some("2024-10-10T12:04:24Z")),
            ("2024-10-10T12:04:24+02:00", Some("2024-10-10T10:04:24Z")),
            ("", None),
            ("2024-10-10", None),
        ];
        for (time, expected) in cases {
            assert_eq!(utc_or_unsaid(time).as_deref(), expected, "{time}");
        }
    }

    #[test]
    fn times_are_brought_to_one_spelling() {
        let cases = [
            ("2018-01-11 21:05", Some("2018-01-11T21:05:00Z")),
            ("2023-02-17 20:41:00", Some("2023-02-17T20:41:00Z")),
            (" 2024-01-01 ", Some("2024-01-01T00:00:00Z")),
            ("", None),
            ("yesterday", None),
            ("2024-13-01", None),
            ("2024-01-01 1:2", None),
        ];
        for (date, expected) in cases {
            assert_eq!(of_day(date).as_deref(), expected, "{date}");
        }
        assert_eq!(utc("2025-03-29T14:31:53+08:00").as_deref(), Some("2025-03-29T06:31:53Z"));
        let header = of_header("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(header.as_deref(), Some("2015-10-21T07:28:00Z"));
        assert_eq!(of_header("yesterday"), None);
        assert_eq!(of_seconds(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(of_seconds(i64::MAX), None);
    }
}
