//! Which language somebody reads: `Accept-Language` (RFC 9110 §12.5.4).

use axum::http::{HeaderMap, header};

/// A language that problems are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// What is told where nothing else is asked.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The tag, e.g. `zh-CN`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The language that a request asks for most. What was named first counts where two are asked alike, and
    /// `*` for what is not named; a language with `q=0` is not wanted.
    pub(crate) fn asked(headers: &HeaderMap) -> Self {
        let mut named: [Option<u16>; 2] = [None, None];
        let (mut rest, mut first) = (None, None);
        let values = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        for (range, weight) in values.flat_map(|value| value.split(',')).filter_map(weighted) {
            let primary = range.split('-').next().unwrap_or_default();
            let place = match primary.to_ascii_lowercase().as_str() {
                "en" => 0,
                "zh" => 1,
                "*" => {
                    rest = rest.max(Some(weight));
                    continue;
                }
                _ => continue,
            };
            first = first.or(Some(place));
            named[place] = named[place].max(Some(weight));
        }
        let [english, chinese] = named.map(|weight| weight.or(rest).unwrap_or(0));
        if chinese > english || (chinese == english && chinese > 0 && first == Some(1)) {
            Self::Chinese
        } else {
            Self::English
        }
    }
}

/// A range of languages and its weight in thousandths. What is malformed is passed over.
fn weighted(part: &str) -> Option<(&str, u16)> {
    let mut pieces = part.split(';').map(str::trim);
    let range = pieces.next().filter(|range| !range.is_empty())?;
    let Some(weight) = pieces.next() else { return Some((range, 1_000)) };
    let text = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let number: f64 = text.parse().ok().filter(|number| (0.0..=1.0).contains(number))?;
    let thousandths = (number * 1_000.0).round() as u16;
    Some((range, thousandths))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(text: &str) -> Language {
        let value = HeaderValue::from_str(text).unwrap();
        Language::asked(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
    }

    #[test]
    fn what_is_asked_most_is_told() {
        for text in [
            "zh-CN",
            "zh",
            "ZH-hans",
            "zh-CN,zh;q=0.9,en;q=0.8",
            "en;q=0.5, zh;q=0.6",
            "fr, zh;q=0.2",
            "en;q=0, *",
            "zh, en",
            "de;q=1, zh;q=0.001",
        ] {
            assert_eq!(asked(text), Language::Chinese, "{text}");
        }
        for text in [
            "en",
            "",
            "*",
            "fr",
            "en-US,en;q=0.9,zh;q=0.8",
            "zh;q=0",
            "zh;q=0.5, en;q=0.501",
            "en, zh",
            "zh;q=2",
            "zh;q=x",
            "zhuang",
            "zh;q=0, *",
        ] {
            assert_eq!(asked(text), Language::English, "{text}");
        }
        assert_eq!(Language::asked(&HeaderMap::new()), Language::English);
    }
}
