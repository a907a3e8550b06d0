//! Exposures: which user an experiment reached on which day, and what came of it.

use jiff::civil::Date;
use spotwright_schemas::experiment::ExternalAd;
use spotwright_schemas::money::Micros;

/// Longest name of a segment in bytes.
const LONGEST_SEGMENT: usize = 24;

/// The name of a segment of the audience; empty where it is not known. It is copied with every exposure.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentName {
    bytes: [u8; LONGEST_SEGMENT],
    length: u8,
}

impl SegmentName {
    /// A name; what is longer than 24 bytes is cut between two characters.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut own = Self::default();
        for character in name.chars() {
            let start = usize::from(own.length);
            let Some(place) = own.bytes.get_mut(start..start + character.len_utf8()) else { break };
            character.encode_utf8(place);
            own.length += character.len_utf8() as u8;
        }
        own
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let written = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        str::from_utf8(written).unwrap_or_default()
    }
}

impl std::fmt::Debug for SegmentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

/// What one user met of an experiment on one day. The unit of every statistic is the user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// The user.
    pub unit: u64,
    /// Index of the arm in the design; the number of arms for the holdout.
    pub arm: u32,
    /// The phase, from 1.
    pub phase: u32,
    /// The day, from 1.
    pub day: u32,
    /// Logical hours since the market opened at which the user was first exposed on this day.
    pub hour: f64,
    /// Probability of the user's arm, in (0, 1).
    pub propensity: f64,
    /// Times shown; 0 in the holdout, where an arm would have been shown.
    pub impressions: u32,
    /// Times clicked.
    pub clicks: u32,
    /// Conversions after a click.
    pub conversions: u32,
    /// Conversions without a click of the day: the user would have made them without the advertisement too.
    pub organic: u32,
    /// What the clicks cost.
    pub spend: Micros,
    /// Clicks of the user on other ads before the experiment: no arm can have changed them.
    pub earlier_clicks: u32,
    /// The segment of the audience that the user is of.
    pub segment: SegmentName,
    /// What the user remembers of the arm at the end, in exposures.
    pub remembered: f32,
    /// Logical hour of the last exposure.
    pub last_hour: f64,
}

/// What one advertisement of an arm did in a window, as a platform reported it. Nobody says who the users
/// were.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRow {
    /// Index of the arm in the design.
    pub arm: u32,
    /// The advertisement.
    pub ad: ExternalAd,
    /// First day.
    pub start: Date,
    /// Last day.
    pub end: Date,
    /// Times shown.
    pub impressions: u64,
    /// Clicks of the kind that counts; `None` where the report does not say.
    pub clicks: Option<u64>,
    /// Conversions; platforms count parts of one.
    pub conversions: Option<f64>,
    /// Spend in micros, and its currency.
    pub spend: Option<(Micros, String)>,
    /// Value of the conversions in micros of the same currency.
    pub revenue: Option<Micros>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_segments_are_kept_and_long_ones_are_cut_between_characters() {
        assert_eq!(SegmentName::new("commuters").as_str(), "commuters");
        assert_eq!(SegmentName::default().as_str(), "");
        let long = SegmentName::new("通勤通勤通勤通勤通勤");
        assert_eq!(long.as_str(), "通勤通勤通勤通勤");
        assert_eq!(SegmentName::new("abcdefghijklmnopqrstuvw通").as_str(), "abcdefghijklmnopqrstuvw");
    }
}
