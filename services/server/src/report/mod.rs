//! `report.html`: one self-contained page an advertiser can open and pass on.
//!
//! Videos, stills and plots are inside the file; nothing is fetched. All text is escaped by the
//! template engine; the page's content security policy forbids scripts from anywhere.

mod believed;
mod plots;
mod why;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use serde_json::json;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::video_backend::GateReport;
use spotwright_creative::clarify::Question;
use spotwright_creative::learn::{angle_name, hook_name};
use spotwright_experiment::interval::{Counts, wilson};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::explanation::Explanations;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::outcome::{Delivery, Winners};
use spotwright_schemas::storyboard::Color;

use crate::outputs::{FinishedRun, file_stem, winners};
use plots::Point;
use why::Why;

/// Confidence of every interval in the report.
const CONFIDENCE: f64 = 0.90;

/// A number with its interval, ready to be shown.
#[derive(Debug, Serialize)]
struct Rate {
    value: String,
    low: String,
    high: String,
}

#[derive(Debug, Serialize)]
struct LineRow {
    role: &'static str,
    caption: String,
    detail: String,
    facts: Vec<String>,
    provider: String,
    fallback: bool,
}

#[derive(Debug, Serialize)]
struct LadderRow {
    rung: u64,
    impressions: String,
    clicks: String,
    probability: String,
    decision: String,
}

#[derive(Debug, Serialize)]
struct Card {
    anchor: String,
    name: String,
    place: usize,
    generation: u32,
    direction: String,
    video: String,
    poster: String,
    file: String,
    lines: Vec<LineRow>,
    primary_text: String,
    because: String,
    parents: Vec<String>,
    predicted: Rate,
    realized: Option<Rate>,
    impressions: String,
    clicks: String,
    conversions: String,
    spend: String,
    cost_per_click: String,
    ladder: Vec<LadderRow>,
    fatigued: bool,
    gate: Option<GateReport>,
    why: Option<Why>,
    hash: String,
}

#[derive(Debug, Serialize)]
struct VariantRow {
    name: String,
    poster: String,
    hook: String,
    direction: String,
    predicted: Option<Rate>,
    appeal: String,
    state: String,
    because: String,
    anchor: Option<String>,
}

#[derive(Debug, Serialize)]
struct GenerationRow {
    index: u32,
    variants: usize,
    winners: usize,
    impressions: String,
    clicks: String,
    conversions: String,
    spend: String,
    rate: Option<Rate>,
}

/// Writes the page.
///
/// # Errors
/// [`Code::Store`] when a video cannot be read back; [`Code::StoreFormat`] when the page cannot be
/// filled in.
pub fn render(
    finished: &FinishedRun,
    explanations: &Explanations,
    artifacts: &dyn ArtifactStore,
    notices: &[String],
) -> Result<String, Problem> {
    let brief = &finished.run.request.brief;
    let ranked = winners(finished);
    let cards = cards(finished, explanations, artifacts, &ranked)?;
    let generations = generations(finished);
    let scatter = plots::predicted_against_realized(&scatter_points(finished));
    let trend = plots::by_generation(&trend_points(finished));
    let table = variant_rows(finished, artifacts)?;
    let media: Micros = (1..=finished.run.generation).map(|index| finished.delivered(index).spend).sum();
    let currency = brief.budget.currency;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let template = environment
        .template_from_str(include_str!("template.html"))
        .map_err(|error| Problem::new(Code::StoreFormat, "report", error.to_string()))?;
    template
        .render(minijinja::value::Serde(json!({
            "brief": brief, "cards": cards, "generations": generations, "scatter": scatter, "trend": trend, "table": table, "notices": notices,
            "zh": brief.locale.is_chinese(),
            "locale": brief.locale.tag(),
            "primary": brief.brand.colors.primary.to_string(),
            "on_primary": ink_on(brief.brand.colors.primary),
            "accent": brief.brand.colors.accent.to_string(),
            "budget": amount(brief.budget.total, currency),
            "media": amount(media, currency),
            "production": amount(finished.run.settled - media, currency),
            "left": amount(finished.run.budget - finished.run.settled, currency),
            "believed": believed::believed(finished),
            "lessons": finished.state.lessons,
            "questions": questions(finished),
            "reports": finished.state.reports,
            "stopped": finished.state.stopped,
            "failure": finished.state.failure.as_ref().map(ToString::to_string),
            "seed": finished.run.request.seed,
            "run": finished.run.id.to_string(),
            "version": env!("CARGO_PKG_VERSION"),
            "model": finished.variants.iter().find_map(|v| v.body.score.as_ref()).map(|score| score.model.clone()),
        })))
        .map_err(|error| Problem::new(Code::StoreFormat, "report", error.to_string()))
}

fn cards(
    finished: &FinishedRun,
    explanations: &Explanations,
    artifacts: &dyn ArtifactStore,
    ranked: &Winners,
) -> Result<Vec<Card>, Problem> {
    let mut cards = Vec::with_capacity(ranked.winners.len());
    for (idx, winner) in ranked.winners.iter().enumerate() {
        let Some(variant) = finished.variants.iter().find(|variant| variant.id == winner.variant) else {
            continue;
        };
        let Some(render) = &variant.body.final_render else { continue };
        let delivery = winner.placement.delivery;
        let currency = ranked.currency;
        let placed = finished.placement_of(variant).and_then(|placement| placement.delivery.as_ref());
        cards.push(Card {
            anchor: format!("v-{}", file_stem(variant)),
            name: file_stem(variant),
            place: idx + 1,
            generation: variant.generation,
            direction: direction(variant),
            video: data_url(artifacts, &render.artifact, "video/mp4")?,
            poster: data_url(artifacts, &render.poster, "image/jpeg")?,
            file: winner.file.clone(),
            lines: line_rows(variant),
            primary_text: variant.body.script.primary_text.clone(),
            because: variant.body.selected_because.clone().unwrap_or_default(),
            parents: parent_names(finished, variant),
            predicted: Rate {
                value: percent(winner.score.predicted_ctr),
                low: percent(winner.score.interval[0]),
                high: percent(winner.score.interval[1]),
            },
            realized: rate(delivery),
            impressions: grouped(delivery.impressions),
            clicks: grouped(delivery.clicks),
            conversions: grouped(delivery.conversions),
            spend: amount(delivery.spend, currency),
            cost_per_click: if delivery.clicks == 0 {
                "–".to_owned()
            } else {
                amount(Micros(delivery.spend.0 / delivery.clicks as i64), currency)
            },
            ladder: placed.map_or_else(Vec::new, |row| row.ladder.iter().map(ladder_row).collect()),
            fatigued: placed.is_some_and(|row| row.fatigued),
            gate: render.gate.clone(),
            why: explanations
                .winners
                .iter()
                .find(|explained| explained.variant == variant.id)
                .map(|explained| why::why(finished, explained)),
            hash: render.artifact.0.chars().take(16).collect(),
        });
    }
    Ok(cards)
}

fn ladder_row(step: &spotwright_core::ports::marketplace::RungResult) -> LadderRow {
    LadderRow {
        rung: step.rung,
        impressions: grouped(step.impressions),
        clicks: grouped(step.clicks),
        probability: format!("{:.0} %", step.probability * 100.0),
        decision: step.decision.clone(),
    }
}

fn line_rows(variant: &Variant) -> Vec<LineRow> {
    variant
        .body
        .script
        .lines
        .iter()
        .map(|line| LineRow {
            role: role_name(line.role),
            caption: line.caption.clone(),
            detail: line.detail.clone(),
            facts: line.rests_on.iter().map(|fact| fact.as_str().to_owned()).collect(),
            provider: format!("{} {}", line.provenance.provider, line.provenance.model),
            fallback: line.provenance.fallback,
        })
        .collect()
}

const fn role_name(role: spotwright_schemas::script::Role) -> &'static str {
    use spotwright_schemas::script::Role;
    match role {
        Role::Hook => "Hook",
        Role::Body => "Body",
        Role::Proof => "Proof",
        Role::Cta => "Call to action",
    }
}

fn variant_rows(finished: &FinishedRun, artifacts: &dyn ArtifactStore) -> Result<Vec<VariantRow>, Problem> {
    let mut rows = Vec::with_capacity(finished.variants.len());
    for variant in &finished.variants {
        let poster = match &variant.body.preview {
            Some(preview) => data_url(artifacts, &preview.poster, "image/jpeg")?,
            None => String::new(),
        };
        let score = variant.body.score.as_ref();
        rows.push(VariantRow {
            name: file_stem(variant),
            poster,
            hook: variant.body.script.lines.first().map(|line| line.caption.clone()).unwrap_or_default(),
            direction: direction(variant),
            predicted: score.map(|score| Rate {
                value: percent(score.predicted_ctr),
                low: percent(score.interval[0]),
                high: percent(score.interval[1]),
            }),
            appeal: score
                .map_or_else(String::new, |score| format!("{:+.2} ± {:.2}", score.appeal, score.appeal_sd)),
            state: variant.body.failure.clone().unwrap_or_else(|| variant.state.as_str().to_owned()),
            because: variant.body.selected_because.clone().unwrap_or_default(),
            anchor: (variant.state == VariantState::Won).then(|| format!("v-{}", file_stem(variant))),
        });
    }
    Ok(rows)
}

fn generations(finished: &FinishedRun) -> Vec<GenerationRow> {
    let currency = finished.run.request.brief.budget.currency;
    (1..=finished.run.generation)
        .map(|index| {
            let delivery = finished.delivered(index);
            GenerationRow {
                index,
                variants: finished.variants.iter().filter(|variant| variant.generation == index).count(),
                winners: finished.winners().filter(|variant| variant.generation == index).count(),
                impressions: grouped(delivery.impressions),
                clicks: grouped(delivery.clicks),
                conversions: grouped(delivery.conversions),
                spend: amount(delivery.spend, currency),
                rate: rate(delivery),
            }
        })
        .collect()
}

fn scatter_points(finished: &FinishedRun) -> Vec<Point> {
    finished
        .winners()
        .filter_map(|variant| {
            let score = variant.body.score.as_ref()?;
            let interval = realized(finished.delivery_of(variant))?;
            Some(Point {
                x: score.predicted_ctr,
                y: interval.estimate,
                y_interval: [interval.low, interval.high],
                label: format!(
                    "{}: predicted {}, realized {}",
                    file_stem(variant),
                    percent(score.predicted_ctr),
                    percent(interval.estimate)
                ),
                series: variant.generation as usize - 1,
            })
        })
        .collect()
}

fn trend_points(finished: &FinishedRun) -> Vec<Point> {
    (1..=finished.run.generation)
        .filter_map(|index| {
            let interval = realized(finished.delivered(index))?;
            Some(Point {
                x: f64::from(index),
                y: interval.estimate,
                y_interval: [interval.low, interval.high],
                label: format!("generation {index}: {}", percent(interval.estimate)),
                series: index as usize - 1,
            })
        })
        .collect()
}

/// What the agent asked in the first generation, as it stands in the trace.
fn questions(finished: &FinishedRun) -> Vec<Question> {
    let planned = finished.trace.iter().find(|entry| entry.what == "generation.planned");
    let asked = planned.and_then(|entry| entry.detail.get("questions").cloned());
    asked.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

fn realized(delivery: Delivery) -> Option<spotwright_experiment::interval::Interval> {
    if delivery.impressions == 0 {
        return None;
    }
    wilson(Counts::new(delivery.impressions, delivery.clicks).ok()?, CONFIDENCE).ok()
}

fn rate(delivery: Delivery) -> Option<Rate> {
    let interval = realized(delivery)?;
    Some(Rate { value: percent(interval.estimate), low: percent(interval.low), high: percent(interval.high) })
}

fn direction(variant: &Variant) -> String {
    let direction = variant.body.script.direction;
    format!("{} · {}", angle_name(direction.angle, Locale::EnUs), hook_name(direction.hook, Locale::EnUs))
}

fn parent_names(finished: &FinishedRun, variant: &Variant) -> Vec<String> {
    variant
        .body
        .parents
        .iter()
        .filter_map(|id| finished.variants.iter().find(|other| other.id == *id).map(file_stem))
        .collect()
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// White or near-black, whichever reads better on the color.
fn ink_on(color: Color) -> &'static str {
    let (white, ink) = (Color { r: 255, g: 255, b: 255 }, Color { r: 22, g: 24, b: 29 });
    if white.contrast(color) >= ink.contrast(color) { "#ffffff" } else { "#16181d" }
}

fn percent(rate: f64) -> String {
    format!("{:.2} %", rate * 100.0)
}

fn amount(amount: Micros, currency: Currency) -> String {
    format!("{}{}", currency.sign(), amount.to_decimal())
}

fn data_url(artifacts: &dyn ArtifactStore, hash: &ArtifactHash, kind: &str) -> Result<String, Problem> {
    let bytes = artifacts.get(hash).map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    Ok(format!("data:{kind};base64,{}", BASE64.encode(bytes)))
}
