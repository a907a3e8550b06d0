//! Plots of the report as inline SVG. Every plot has a title for screen readers; the numbers it
//! shows also stand in a table.

use std::fmt::Write as _;

use crate::words::Words;

/// A point with a vertical interval.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// Position.
    pub(super) x: f64,
    /// Height.
    pub(super) y: f64,
    /// Ends of the vertical interval.
    pub(super) y_interval: [f64; 2],
    /// Shown on hovering and to screen readers.
    pub(super) label: String,
    /// Which series: decides the color.
    pub(super) series: usize,
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 104.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 56.0;

/// Values of an axis, from a round number at or below the least to one at or above the greatest.
#[derive(Debug, Clone, Copy)]
struct Axis {
    min: f64,
    max: f64,
    step: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            min = min.min(value);
            max = max.max(value);
        }
        if !min.is_finite() || !max.is_finite() {
            (min, max) = (0.0, 1.0);
        }
        let span = (max - min).max(max.abs() * 0.05).max(1e-9);
        let raw = span / 5.0;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= raw);
        let step = step.unwrap_or(10.0 * power);
        Self { min: (min / step).floor() * step, max: (max / step).ceil() * step, step }
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.max - self.min) / self.step).round() as usize;
        (0..=count).map(move |idx| self.min + self.step * idx as f64)
    }

    fn share(self, value: f64) -> f64 {
        (value - self.min) / (self.max - self.min)
    }
}

/// A scatter of click rates: predicted along, realized up with its interval, and the diagonal on
/// which prediction and reality agree. Intervals of predictions, several times as wide as the spread
/// of the points, stand in the cards.
#[must_use]
pub(super) fn predicted_against_realized(points: &[Point], words: &Words) -> String {
    let ends = points.iter().flat_map(|point| [point.y_interval[0], point.y_interval[1], point.x, point.y]);
    let axis = Axis::around(ends);
    let told = &words.plots;
    let mut svg = open(told.scatter);
    grid(&mut svg, axis, axis, [told.predicted_rate, told.realized_rate], words.percent);
    let (from, to) = (at(axis, axis, axis.min, axis.min), at(axis, axis, axis.max, axis.max));
    let _ = write!(
        svg,
        r#"<line class="diagonal" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
        from.0, from.1, to.0, to.1
    );
    for point in points {
        dot(&mut svg, axis, axis, point);
    }
    svg + "</svg>"
}

/// Click rates of generations, side by side, with intervals.
#[must_use]
pub(super) fn by_generation(points: &[Point], words: &Words) -> String {
    let up = Axis::around(points.iter().flat_map(|point| point.y_interval.into_iter().chain([point.y])));
    let last = points.iter().map(|point| point.x).fold(1.0, f64::max);
    let along = Axis { min: 0.5, max: last + 0.5, step: 1.0 };
    let told = &words.plots;
    let mut svg = open(told.trend);
    grid(&mut svg, along, up, [told.generation, told.click_rate], words.percent);
    for point in points {
        dot(&mut svg, along, up, point);
    }
    svg + "</svg>"
}

fn open(title: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{0}"><title>{0}</title>"#,
        escape(title)
    )
}

fn at(along: Axis, up: Axis, x: f64, y: f64) -> (f64, f64) {
    (LEFT + along.share(x) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up.share(y) * (HEIGHT - TOP - BOTTOM))
}

fn grid(svg: &mut String, along: Axis, up: Axis, names: [&str; 2], percent: fn(f64) -> String) {
    let [x_name, y_name] = names;
    for tick in up.ticks() {
        let (_, y) = at(along, up, along.min, tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            percent(tick)
        );
    }
    let whole = (along.step - 1.0).abs() < 1e-12 && along.min.fract() != 0.0;
    let ticks: Vec<f64> = if whole {
        (1..=(along.max.floor() as i64)).map(|n| n as f64).collect()
    } else {
        along.ticks().collect()
    };
    for tick in ticks {
        let (x, _) = at(along, up, tick, up.min);
        let text = if whole { format!("{tick:.0}") } else { percent(tick) };
        let _ = write!(
            svg,
            r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{text}</text>"#,
            HEIGHT - BOTTOM + 22.0
        );
    }
    let _ = write!(
        svg,
        r#"<text class="axis" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="axis" transform="translate(16 {:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        escape(x_name),
        (TOP + HEIGHT - BOTTOM) / 2.0,
        escape(y_name)
    );
}

fn dot(svg: &mut String, along: Axis, up: Axis, point: &Point) {
    let (x, y) = at(along, up, point.x, point.y);
    let (_, low) = at(along, up, point.x, point.y_interval[0]);
    let (_, high) = at(along, up, point.x, point.y_interval[1]);
    let _ = write!(
        svg,
        r#"<g class="s{}"><title>{}</title><line x1="{x:.1}" x2="{x:.1}" y1="{low:.1}" y2="{high:.1}"/>"#,
        point.series,
        escape(&point.label)
    );
    let _ = write!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="5"/></g>"#);
}

/// Escapes text for SVG and HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::locale::Locale;

    use super::*;

    #[test]
    fn axes_hold_every_value_between_round_numbers() {
        for values in [[0.0093, 0.0214], [0.0, 0.0], [1e-9, 2e-9], [0.5, 0.5]] {
            let axis = Axis::around(values.into_iter());
            assert!(axis.min <= values[0] && axis.max >= values[1], "{axis:?}");
            assert!(axis.ticks().count() <= 8, "{axis:?}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        let point = Point {
            x: 0.01,
            y: 0.01,
            y_interval: [0.0, 0.02],
            label: "<img onerror=x>".to_owned(),
            series: 0,
        };
        let svg = by_generation(&[point], Words::of(Locale::EnUs));
        assert!(!svg.contains("<img") && svg.contains("&lt;img"));
    }
}
