//! `report.html`: one self-contained page an advertiser can open and pass on.
//!
//! Videos, stills and plots are inside the file; nothing is fetched. All text is escaped by the
//! template engine; the page's content security policy forbids scripts from anywhere. Every sentence
//! is in the language of the brief.

mod believed;
mod plots;
mod why;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::{AutoEscape, Environment, HtmlEscape, Value};
use serde::Serialize;
use serde_json::json;
use spotwright_core::domain::copy_rules::locale::{account, grouped};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::marketplace::RungResult;
use spotwright_core::ports::video_backend::GateCheck;
use spotwright_creative::clarify::Question;
use spotwright_creative::learn::{Lesson, angle_name, hook_name};
use spotwright_insight::figures::{GenerationFigures, click_rate, cost_per_click};
use spotwright_insight::ranking::file_stem;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::explanation::Explanations;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::outcome::{Delivery, Score, Winners};
use spotwright_schemas::storyboard::Color;

use crate::generated;
use crate::outputs::{FinishedRun, winners};
use crate::words::{Failure, Reply, Words};
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
    /// The element or model behind it.
    source: String,
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
    place: String,
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
    shown: String,
    clicks: String,
    cost: String,
    ladder: Vec<LadderRow>,
    fatigued: bool,
    checks: Option<Vec<String>>,
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
    let words = Words::of(brief.locale);
    let ranked = winners(finished);
    let cards = cards(finished, explanations, artifacts, &ranked, words)?;
    let generations = generations(finished, words);
    let scatter = plots::predicted_against_realized(&scatter_points(finished, words), words);
    let trend = plots::by_generation(&trend_points(finished, words), words);
    let table = variant_rows(finished, artifacts, words)?;
    let media: Micros =
        (1..=finished.run.generation).map(|index| finished.shown().delivered(index).spend).sum();
    let currency = brief.budget.currency;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("code", |text: String| Value::from_safe_string(with_code(&text)));
    let template = environment
        .template_from_str(include_str!("template.html"))
        .map_err(|error| Problem::new(Code::StoreFormat, "report", error.to_string()))?;
    let mut page = json!({
        "brief": brief, "cards": cards, "generations": generations, "scatter": scatter, "trend": trend, "table": table, "notices": notices,
        "w": words.page,
        "locale": brief.locale.tag(),
        "objective": (words.objective)(brief.objective.as_str()),
        "primary": brief.brand.colors.primary.to_string(),
        "on_primary": ink_on(brief.brand.colors.primary),
        "accent": brief.brand.colors.accent.to_string(),
        "budget": account(brief.budget.total, currency),
        "media": account(media, currency),
        "media_of": (words.media_of)(&account(brief.budget.total, currency)),
        "production": account(finished.run.settled - media, currency),
        "left": account(finished.run.budget - finished.run.settled, currency),
        "believed": believed::believed(finished, words),
        "lessons": lessons(finished, words),
        "questions": questions(finished, words),
        "reports": finished.state.reports,
        "stopped": finished.state.stopped,
        "failure": finished.state.failure.as_ref().map(|problem| told_failure(problem, words)),
        "seed": finished.run.request.seed,
        "run": finished.run.id.to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "model": finished.variants.iter().find_map(|v| v.body.score.as_ref()).map(|score| score.model.clone()),
    });
    page["generated"] = json!(generated::rows(finished, words));
    template
        .render(minijinja::value::Serde(page))
        .map_err(|error| Problem::new(Code::StoreFormat, "report", error.to_string()))
}

fn cards(
    finished: &FinishedRun,
    explanations: &Explanations,
    artifacts: &dyn ArtifactStore,
    ranked: &Winners,
    words: &Words,
) -> Result<Vec<Card>, Problem> {
    let mut cards = Vec::with_capacity(ranked.winners.len());
    for (idx, winner) in ranked.winners.iter().enumerate() {
        let Some(variant) = finished.variants.iter().find(|variant| variant.id == winner.variant) else {
            continue;
        };
        let Some(render) = &variant.body.final_render else { continue };
        let delivery = winner.placement.delivery;
        let currency = ranked.currency;
        let placed = finished.shown().placement_of(variant).and_then(|placement| placement.delivery.as_ref());
        cards.push(Card {
            anchor: format!("v-{}", file_stem(variant)),
            name: file_stem(variant),
            place: (words.place)(idx + 1, variant.generation),
            direction: direction(variant, words),
            video: data_url(artifacts, &render.artifact, "video/mp4")?,
            poster: data_url(artifacts, &render.poster, "image/jpeg")?,
            file: winner.file.clone(),
            lines: line_rows(variant, words),
            primary_text: variant.body.script.primary_text.clone(),
            because: because(variant),
            parents: parent_names(finished, variant),
            predicted: predicted(&winner.score, words),
            realized: rate(delivery, words),
            shown: (words.times_shown)(&grouped(delivery.impressions)),
            clicks: (words.converted)(&grouped(delivery.clicks), &grouped(delivery.conversions)),
            cost: (words.each_click)(&account(delivery.spend, currency), &price_of_click(delivery, currency)),
            ladder: placed
                .map_or_else(Vec::new, |row| row.ladder.iter().map(|step| ladder_row(step, words)).collect()),
            fatigued: placed.is_some_and(|row| row.fatigued),
            checks: render.gate.as_ref().map(|gate| {
                let told = |check: &GateCheck| (words.check)(&check.id, check.pass, &check.value);
                gate.checks.iter().map(told).collect()
            }),
            why: explanations
                .winners
                .iter()
                .find(|explained| explained.variant == variant.id)
                .map(|explained| why::why(finished, explained, words)),
            hash: render.artifact.0.chars().take(16).collect(),
        });
    }
    Ok(cards)
}

fn predicted(score: &Score, words: &Words) -> Rate {
    Rate {
        value: (words.percent)(score.predicted_ctr),
        low: (words.percent)(score.interval[0]),
        high: (words.percent)(score.interval[1]),
    }
}

fn price_of_click(delivery: Delivery, currency: Currency) -> String {
    cost_per_click(delivery).map_or_else(|| "–".to_owned(), |price| account(price, currency))
}

fn ladder_row(step: &RungResult, words: &Words) -> LadderRow {
    let space = if words.locale.is_chinese() { "" } else { " " };
    LadderRow {
        rung: step.rung,
        impressions: grouped(step.impressions),
        clicks: grouped(step.clicks),
        probability: format!("{:.0}{space}%", step.probability * 100.0),
        decision: (words.decision)(&step.decision),
    }
}

/// Why a variant stands where it does in the selection, as it was stored in the brief's language.
fn because(variant: &Variant) -> String {
    variant.body.selected_because.clone().unwrap_or_default()
}

/// What ended the run, after a sentence of the page: in English as it is, with its code.
pub(crate) fn told_failure(problem: &Problem, words: &Words) -> String {
    let stored = problem.to_string();
    if words.locale.is_english() { stored } else { (words.losses.reason)(&Failure::of(&stored)) }
}

fn line_rows(variant: &Variant, words: &Words) -> Vec<LineRow> {
    variant
        .body
        .script
        .lines
        .iter()
        .map(|line| LineRow {
            role: (words.role)(line.role),
            caption: line.caption.clone(),
            detail: line.detail.clone(),
            facts: line.rests_on.iter().map(|fact| fact.as_str().to_owned()).collect(),
            provider: (words.provider)(&line.provenance.provider),
            source: line.provenance.model.clone(),
            fallback: line.provenance.fallback,
        })
        .collect()
}

fn variant_rows(
    finished: &FinishedRun,
    artifacts: &dyn ArtifactStore,
    words: &Words,
) -> Result<Vec<VariantRow>, Problem> {
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
            direction: direction(variant, words),
            predicted: score.map(|score| predicted(score, words)),
            appeal: score
                .map_or_else(String::new, |score| format!("{:+.2} ± {:.2}", score.appeal, score.appeal_sd)),
            state: match (&variant.body.withdrawal, &variant.body.failure) {
                (Some(why), _) => (words.withdrawal)(why),
                (None, Some(failure)) => (words.failure)(failure),
                (None, None) => (words.state)(variant.state.as_str()),
            },
            because: because(variant),
            anchor: (variant.state == VariantState::Won).then(|| format!("v-{}", file_stem(variant))),
        });
    }
    Ok(rows)
}

fn generations(finished: &FinishedRun, words: &Words) -> Vec<GenerationRow> {
    let currency = finished.run.request.brief.budget.currency;
    (1..=finished.run.generation)
        .map(|index| {
            let figures = GenerationFigures::of(finished.shown(), index);
            let delivery = figures.delivery;
            GenerationRow {
                index,
                variants: figures.variants,
                winners: figures.winners,
                impressions: grouped(delivery.impressions),
                clicks: grouped(delivery.clicks),
                conversions: grouped(delivery.conversions),
                spend: account(delivery.spend, currency),
                rate: rate(delivery, words),
            }
        })
        .collect()
}

fn scatter_points(finished: &FinishedRun, words: &Words) -> Vec<Point> {
    finished
        .shown()
        .winners()
        .filter_map(|variant| {
            let score = variant.body.score.as_ref()?;
            let interval = click_rate(finished.shown().delivery_of(variant), CONFIDENCE)?;
            Some(Point {
                x: score.predicted_ctr,
                y: interval.estimate,
                y_interval: [interval.low, interval.high],
                label: (words.plots.scatter_point)(
                    &file_stem(variant),
                    &(words.percent)(score.predicted_ctr),
                    &(words.percent)(interval.estimate),
                ),
                series: variant.generation as usize - 1,
            })
        })
        .collect()
}

fn trend_points(finished: &FinishedRun, words: &Words) -> Vec<Point> {
    (1..=finished.run.generation)
        .filter_map(|index| {
            let interval = click_rate(finished.shown().delivered(index), CONFIDENCE)?;
            Some(Point {
                x: f64::from(index),
                y: interval.estimate,
                y_interval: [interval.low, interval.high],
                label: (words.plots.trend_point)(index, &(words.percent)(interval.estimate)),
                series: index as usize - 1,
            })
        })
        .collect()
}

/// A question about the brief, with what the run went on with and who said so.
#[derive(Debug, Serialize)]
struct QuestionRow {
    text: String,
    answer: String,
    who: String,
}

/// What the agent asked and what became of it. A run that waits for nobody asks in its first plan, and takes
/// the defaults.
fn questions(finished: &FinishedRun, words: &Words) -> Vec<QuestionRow> {
    let heard = &finished.state.heard;
    let planned = || -> Vec<Question> {
        let planned = finished.trace.iter().find(|entry| entry.what == "generation.planned");
        let asked = planned.and_then(|entry| entry.detail.get("questions").cloned());
        asked.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    };
    let asked = if heard.questions.is_empty() { planned() } else { heard.questions.clone() };
    let row = |question: Question| {
        let answer = heard.answers.iter().find(|answer| answer.question == question.id);
        let fact = answer.and_then(|answer| answer.fact.as_ref());
        let reply = match (answer, fact) {
            (Some(answer), Some(_)) => Reply::Answered(&answer.by),
            (Some(answer), None) => Reply::DefaultChosen(&answer.by),
            (None, _) => Reply::DefaultTaken,
        };
        QuestionRow {
            text: question.text,
            answer: fact.map_or(question.default, |fact| fact.text.clone()),
            who: (words.reply)(reply),
        }
    };
    asked.into_iter().map(row).collect()
}

fn rate(delivery: Delivery, words: &Words) -> Option<Rate> {
    let [value, low, high] = {
        let interval = click_rate(delivery, CONFIDENCE)?;
        [interval.estimate, interval.low, interval.high].map(words.percent)
    };
    Some(Rate { value, low, high })
}

fn direction(variant: &Variant, words: &Words) -> String {
    let direction = variant.body.script.direction;
    format!("{} · {}", angle_name(direction.angle, words.locale), hook_name(direction.hook, words.locale))
}

#[derive(Debug, Serialize)]
struct LessonRow {
    text: String,
    counts: String,
}

fn lessons(finished: &FinishedRun, words: &Words) -> Vec<LessonRow> {
    let row = |lesson: &Lesson| LessonRow {
        text: lesson.text.clone(),
        counts: (words.lesson)(&lesson.clicks.to_string(), &lesson.impressions.to_string()),
    };
    finished.state.lessons.iter().map(row).collect()
}

fn parent_names(finished: &FinishedRun, variant: &Variant) -> Vec<String> {
    variant
        .body
        .parents
        .iter()
        .filter_map(|id| finished.variants.iter().find(|other| other.id == *id).map(file_stem))
        .collect()
}

/// White or near-black, whichever reads better on the color.
fn ink_on(color: Color) -> &'static str {
    let (white, ink) = (Color { r: 255, g: 255, b: 255 }, Color { r: 22, g: 24, b: 29 });
    if white.contrast(color) >= ink.contrast(color) { "#ffffff" } else { "#16181d" }
}

/// The text as HTML, with what stands between backticks set as code; escaped here, piece by piece.
fn with_code(text: &str) -> String {
    let escape = |part: &str| HtmlEscape(part).to_string();
    let mut html = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, (code, behind))) =
        rest.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
    {
        html.push_str(&escape(before));
        html.push_str(&format!("<code>{}</code>", escape(code)));
        rest = behind;
    }
    html + &escape(rest)
}

fn data_url(artifacts: &dyn ArtifactStore, hash: &ArtifactHash, kind: &str) -> Result<String, Problem> {
    let bytes = artifacts.get(hash).map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    Ok(format!("data:{kind};base64,{}", BASE64.encode(bytes)))
}
