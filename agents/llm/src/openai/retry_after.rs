//! How long a server asks to wait: `Retry-After` in seconds, with a fraction, or as a date.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longest wait that is understood; far beyond any that is obeyed.
const MAX_SECONDS: f64 = 1e7;

/// The wait that the headers of an answer ask for. A date is compared with the server's own `Date`,
/// and with `now_micros` where there is none.
pub(super) fn wait(headers: &HeaderMap, now_micros: i64) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| {
        text.parse::<f64>().ok().filter(|n| n.is_finite() && (0.0..=MAX_SECONDS * 1e3).contains(n))
    };
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return Some(Duration::from_micros((ms * 1e3).ceil() as u64));
    }
    let asked = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(asked).filter(|seconds| *seconds <= MAX_SECONDS) {
        return Some(Duration::from_micros((seconds * 1e6).ceil() as u64));
    }
    let micros = |date: &str| {
        let since = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok()
    };
    let until = micros(asked)?;
    let now = text(DATE.as_str()).and_then(micros).unwrap_or(now_micros);
    Some(Duration::from_micros(u64::try_from(until.saturating_sub(now)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    /// 2026-01-05 10:00:00 UTC.
    const NOW: i64 = 1_767_607_200_000_000;

    fn asked(name: &'static str, value: &'static str, date: Option<&'static str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        wait(&headers, NOW)
    }

    #[test]
    fn seconds_fractions_and_dates_are_read() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (value, wanted) in [
            ("7", ms(7_000)),
            ("1.5", ms(1_500)),
            (" 0 ", ms(0)),
            ("Mon, 05 Jan 2026 10:00:05 GMT", ms(5_000)),
            ("Monday, 05-Jan-26 10:00:05 GMT", ms(5_000)),
            ("Mon, 05 Jan 2026 09:00:00 GMT", ms(0)),
            ("-3", None),
            ("NaN", None),
            ("soon", None),
        ] {
            assert_eq!(asked("retry-after", value, None), wanted, "{value}");
        }
        assert_eq!(asked("retry-after-ms", "300", None), ms(300));
        let server = Some("Mon, 05 Jan 2026 10:00:03 GMT");
        assert_eq!(asked("retry-after", "Mon, 05 Jan 2026 10:00:05 GMT", server), ms(2_000));
    }
}
