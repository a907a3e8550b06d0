//! What became of the videos that were asked for and did not come: how many were lost, at which
//! stage, and the first reason in plain words.

use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::video_backend::GateCheck;
use spotwright_schemas::locale::Locale;

use crate::outputs::FinishedRun;

/// A stage at which variants are lost.
struct Stage {
    /// What was lost, for one and for several.
    what: [&'static str; 2],
    lost: usize,
    reason: Option<String>,
}

/// One sentence for each generation that ended with fewer winners than were asked for, and one for
/// generations that were never begun.
#[must_use]
pub fn notices(finished: &FinishedRun) -> Vec<String> {
    let request = &finished.run.request;
    let asked = request.winners as usize;
    let mut notices = Vec::new();
    for generation in 1..=finished.run.generation {
        let made = finished.winners().filter(|variant| variant.generation == generation).count();
        if made < asked {
            notices.push(shortfall(finished, generation, made));
        }
    }
    let missing = request.generations.saturating_sub(finished.run.generation);
    if missing > 0 {
        let reason = finished.state.failure.as_ref().map(|problem| plain(&problem.message));
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        notices.push(format!("{missing} of {} generations were not begun{reason}.", request.generations));
    }
    notices
}

fn shortfall(finished: &FinishedRun, generation: u32, made: usize) -> String {
    let asked = finished.run.request.winners;
    let mut notice =
        format!("Generation {generation} has {made} of the {asked} winners that were asked for.");
    let stages = stages(finished, generation);
    if stages.iter().all(|stage| stage.lost == 0) {
        notice.push_str(" It ended before more were made.");
    }
    for Stage { what, lost, reason } in stages.into_iter().filter(|stage| stage.lost > 0) {
        notice.push_str(&format!(" {lost} {}", what[usize::from(lost > 1)]));
        match (reason, lost) {
            (None, _) => notice.push('.'),
            (Some(reason), 1) => notice.push_str(&format!(": {reason}.")),
            (Some(reason), _) => notice.push_str(&format!("; the first: {reason}.")),
        }
    }
    notice
}

fn stages(finished: &FinishedRun, generation: u32) -> Vec<Stage> {
    let variants: Vec<&Variant> =
        finished.variants.iter().filter(|variant| variant.generation == generation).collect();
    let lost = |what, is_lost: &dyn Fn(&Variant) -> bool, why: &dyn Fn(&Variant) -> Option<String>| {
        let lost: Vec<&&Variant> = variants.iter().filter(|variant| is_lost(variant)).collect();
        Stage { what, lost: lost.len(), reason: lost.first().and_then(|variant| why(variant)) }
    };
    let failure = |variant: &Variant| variant.body.failure.as_deref().map(plain);
    let failed = |variant: &Variant| variant.state == VariantState::Failed;
    let unwritten = Stage {
        what: ["script could not be written", "scripts could not be written"],
        lost: (finished.run.request.variants as usize).saturating_sub(variants.len()),
        reason: first_objection(finished, generation),
    };
    vec![
        unwritten,
        lost(
            ["preview could not be made", "previews could not be made"],
            &|variant| failed(variant) && variant.body.preview.is_none(),
            &failure,
        ),
        lost(
            ["preview could not be scored", "previews could not be scored"],
            &|variant| failed(variant) && variant.body.preview.is_some() && variant.body.score.is_none(),
            &failure,
        ),
        lost(
            ["final video could not be made", "final videos could not be made"],
            &|variant| failed(variant) && variant.body.score.is_some(),
            &failure,
        ),
        lost(
            ["final video did not pass the quality gate", "final videos did not pass the quality gate"],
            &|variant| variant.state == VariantState::Rejected && variant.final_gate.is_some(),
            &failed_check,
        ),
    ]
}

/// What the critique said first of the generation's scripts.
fn first_objection(finished: &FinishedRun, generation: u32) -> Option<String> {
    let dropped = finished
        .trace
        .iter()
        .filter(|entry| entry.generation == generation && entry.what == "script.dropped");
    dropped.flat_map(|entry| entry.detail["findings"].as_array().into_iter().flatten()).find_map(|finding| {
        let stops = finding["severity"] == "error";
        let (message, subject) = (finding["message"].as_str()?, finding["subject"].as_str()?);
        stops
            .then(|| if subject.is_empty() { message.to_owned() } else { format!("{message} (`{subject}`)") })
    })
}

fn failed_check(variant: &Variant) -> Option<String> {
    let gate = variant.body.final_render.as_ref()?.gate.as_ref()?;
    let check = gate.checks.iter().find(|check| !check.pass)?;
    let locale = variant.body.script.locale;
    Some(format!("{} (measured {}, needed {})", meaning(check, locale), check.value, check.limit))
}

/// What a check of the gate means to somebody who has never heard of it.
fn meaning(check: &GateCheck, locale: Locale) -> &'static str {
    match check.id.as_str() {
        "frozen" => "the picture does not change enough, so the video would look frozen",
        "black" => "the picture is nearly black",
        "text_contrast" | "ai_label_visible" => "a text cannot be read well enough on its ground",
        "safe_zone" => "a text would be covered by the buttons of the placement",
        "reading_time" if locale == Locale::ZhCn => {
            "a text has more characters than can be read while it is shown"
        }
        "reading_time" => "a text is too long to be read while it is shown",
        "sound" | "drift" | "loudness" | "true_peak" | "silence" => {
            "the sound is not as the placement needs it"
        }
        "ai_metadata" | "ai_label_time" | "ai_label_height" => "the label of AI-made content is missing",
        "readable" => "the file cannot be read",
        _ => "the file is not as the placement needs it",
    }
}

/// A message without the codes and names that are for programs.
fn plain(message: &str) -> String {
    let mut rest = message.trim();
    loop {
        let code = rest.strip_prefix("SW").filter(|rest| {
            rest.len() > 4
                && rest.as_bytes()[..4].iter().all(u8::is_ascii_digit)
                && rest.as_bytes()[4] == b' '
        });
        let shorter = code
            .map(|rest| &rest[5..])
            .or_else(|| rest.strip_prefix("cannot be rendered: "))
            .or_else(|| rest.strip_prefix("render backend unavailable: "));
        // Which shot it was says nothing to who never saw the storyboard.
        let shot =
            || rest.strip_prefix("shots[").and_then(|rest| rest.split_once("].")).map(|(_, rest)| rest);
        match shorter.or_else(shot) {
            Some(shorter) => rest = shorter.trim_start(),
            None => return rest.trim_end_matches('.').to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_without_codes() {
        assert_eq!(
            plain("SW0601 cannot be rendered: SW0602 shots[0].caption: the text does not fit."),
            "caption: the text does not fit"
        );
        assert_eq!(plain("SWISS made"), "SWISS made");
        assert_eq!(plain("no variant passed"), "no variant passed");
    }
}
