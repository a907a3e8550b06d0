//! Lines of the trace, ordered by the story and not by the clock.

use serde_json::Value;
use spotwright_core::ports::step_store::TraceEntry;
use spotwright_schemas::ids::VariantId;

/// Chapters of a generation, in the order they are told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chapter {
    Asked = 5,
    Answered = 6,
    Planned = 10,
    Drafted = 20,
    Reviewed = 25,
    Previewed = 30,
    Scored = 40,
    Selected = 50,
    Clips = 55,
    Spoken = 57,
    Rendered = 60,
    Judged = 65,
    Published = 70,
    Served = 72,
    Played = 75,
    Observed = 80,
    Fatigued = 85,
    Withdrawn = 87,
    Learned = 90,
    Ended = 99,
}

/// Writes one line. `number` orders lines within the chapter.
pub(super) fn line(
    generation: u32,
    chapter: Chapter,
    number: u32,
    what: &str,
    variant: Option<VariantId>,
    detail: Value,
) -> TraceEntry {
    let chapter = if generation == 0 && !matches!(chapter, Chapter::Ended) { 0 } else { chapter as u32 };
    let generation_key = if matches!(what, "run.finished") { 99 } else { generation };
    TraceEntry {
        order: format!("{generation_key:02}/{chapter:02}/{number:04}/{what}"),
        generation,
        what: what.to_owned(),
        variant,
        detail,
    }
}
