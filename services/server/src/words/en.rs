//! English.

use spotwright_core::domain::copy_rules::locale::percent;
use spotwright_core::domain::copy_rules::reading::ends_sentence;
use spotwright_core::domain::run::{Approval, RunView, Stage};
use spotwright_creative::critique::Finding;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;

use super::{
    ClipMakerTold, ClipWords, GenerationTold, LossWords, LostAt, Page, Plots, TerminalWords, WhyWords, Words,
    WriterWords,
};
use crate::writers::Shares;

/// Said where the words come from the copy engine by choice.
pub(crate) const COPY_ENGINE_WROTE: &str =
    "The words were written by the built-in copy engine from the brief's facts; no language model was asked.";

pub(super) static WORDS: Words = Words {
    locale: Locale::EnUs,
    page: PAGE,
    plots: Plots {
        scatter: "Predicted against realized click rate",
        trend: "Click rate by generation",
        predicted_rate: "predicted click rate",
        realized_rate: "realized click rate",
        generation: "generation",
        click_rate: "click rate",
        scatter_point: |name, predicted, realized| {
            format!("{name}: predicted {predicted}, realized {realized}")
        },
        trend_point: |generation, rate| format!("generation {generation}: {rate}"),
    },
    why: WhyWords {
        groups: [
            "wording of the headline, by tests of other headlines",
            "how the headline is built",
            "where this audience differs from those tests",
            "headlines that did well here",
            "texts that did well here",
            "light, pace and other looks of the video",
            "its own earlier clicks",
            "text",
        ],
        alike: |likeness, rate, impressions| format!("({likeness}; {rate} of {impressions})"),
        happened: |clicks, impressions, predicted, low, high| {
            format!(
                "With the {clicks} clicks of {impressions} impressions it then got, the model would predict \
                 {predicted} ({low} – {high})."
            )
        },
        supposed: |impressions, half, double| {
            format!(
                "{impressions} impressions with half the predicted clicks would have made it {half}, with \
                 twice as many {double}."
            )
        },
        told_already: |rival, rate| {
            format!("Its interval leaves out the prediction of {rival}, predicted {rate} already.")
        },
        told_after: |at, impressions, rival, rate| {
            format!("At {at} clicks, {impressions} impressions would tell it from {rival}, predicted {rate}.")
        },
        never_told: |at, rival, rate| {
            format!("At {at} clicks, no number of impressions tells it from {rival}, predicted {rate}.")
        },
    },
    losses: LossWords {
        short: |generation, made, asked| {
            format!("Generation {generation} has {made} of the {asked} winners that were asked for.")
        },
        ended_before: " It ended before more were made.",
        lost,
        not_begun: |missing, asked, reason| {
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{missing} of {asked} generations were not begun{reason}.")
        },
        finding: |finding: &Finding| {
            if finding.subject.is_empty() {
                finding.message.clone()
            } else {
                format!("{} (`{}`)", finding.message, finding.subject)
            }
        },
        reason: str::to_owned,
        failed_check: |check, measured, needed| {
            format!("{} (measured {measured}, needed {needed})", meaning(check))
        },
    },
    writers: WriterWords {
        all_failed: |calls, reason| {
            let which = if calls == 1 { "its only call".to_owned() } else { format!("all {calls} calls") };
            format!(
                "No script came from the language model: {which} failed, and the copy engine wrote all words. \
                 The reason: {reason}{}",
                stop_behind(reason)
            )
        },
        some_failed: |failed, calls, reason| {
            format!(
                "The language model failed in {failed} of {calls} calls; the copy engine wrote those scripts. \
                 The reason: {reason}{}",
                stop_behind(reason)
            )
        },
        bill: |amount, less| {
            format!(" The provider bills {}{amount} for them.", if less { "less than " } else { "" })
        },
        dropped: |finding: &Finding| finding.message.clone(),
        none_used: |proposed, reason| {
            let why =
                reason.map_or_else(String::new, |reason| format!(" The first was dropped because {reason}."));
            format!(
                "Nothing of the language model is in any script: it proposed {proposed}, and the copy engine \
                 wrote all words.{why}"
            )
        },
        shares: |shares| {
            let Shares { scripts, own, lines, own_lines, models } = shares;
            let models = models.join(", ");
            if own == scripts && own_lines == lines {
                return format!("All {scripts} scripts were written by {models}.");
            }
            format!(
                "{own} of {scripts} scripts have words of {models}: {own_lines} of {lines} lines. The copy \
                 engine wrote the others."
            )
        },
    },
    clips: ClipWords {
        made: |made, asked, cost| {
            format!(
                "{made} of {asked} generated {} made; {cost} were spent on them.",
                if asked == 1 { "shot was" } else { "shots were" }
            )
        },
        maker: |told: &ClipMakerTold<'_>| {
            let ClipMakerTold { source, model, licence, clips, from_library } = told;
            let known = match from_library {
                0 => String::new(),
                count => format!(", {count} of them before this run"),
            };
            format!("`{source}` made {clips} with `{model}` ({licence}){known}.")
        },
        fell_back: |clips, why| {
            let show = if clips == 1 { "shot shows a real picture" } else { "shots show real pictures" };
            format!("{clips} generated {show} instead: {why}{}", stop_behind(why))
        },
        unfinished: |clips| {
            let what = if clips == 1 { "1 generated shot was" } else { "Some generated shots were" };
            format!("{what} not waited for, because the run ended.")
        },
        library: ", made before this run",
        picture: "the real picture",
        not_waited_for: "not waited for",
    },
    terminal: TerminalWords {
        generation: |row: &GenerationTold<'_>| {
            format!(
                "generation {}: {} variants, {} placed, predicted {}, clicked {} (simulated), media {}",
                row.index, row.variants, row.placed, row.predicted, row.clicked, row.media
            )
        },
        clicks_of: |clicks, impressions| format!("{clicks} clicks of {impressions} impressions"),
        launch_pack: "launch pack: ",
        note: "note: ",
        ended_early: "the run ended early: ",
        end: |seconds, report| format!("{seconds:.1} s; open the report: {report}"),
        progress,
    },
    percent: |share| percent(share, Locale::EnUs),
    place: |place, generation| format!("No. {place} · generation {generation}"),
    media_of: |budget| format!("media cost of {budget}"),
    times_shown: |times| format!("{times} times"),
    converted: |clicks, conversions| format!("{clicks}, of which {conversions} converted"),
    each_click: |spend, each| format!("{spend}, {each} a click"),
    from_level: |level| {
        format!(
            "From {level}, the level of the brief as known then. Parts in log-odds; +0.10 is a tenth more clicks."
        )
    },
    believed: |pcoc, error, chance| {
        format!(
            "Clicks promised before showing, over clicks counted (PCOC): 1.00 is right. Over all generations \
             {pcoc}; expected calibration error {error} of the click rate, of which chance explains {chance}. \
             An alarm is raised where promised and counted clicks differ by more than a tenth and by more than \
             chance explains, and cleared below a twentieth."
        )
    },
    lesson: |clicks, impressions| format!("({clicks} clicks of {impressions})"),
    standing: |stored, _| stored.to_owned(),
    role: |role| match role {
        Role::Hook => "Hook",
        Role::Body => "Body",
        Role::Proof => "Proof",
        Role::Cta => "Call to action",
    },
    objective: str::to_owned,
    state: str::to_owned,
    failure: str::to_owned,
    decision: str::to_owned,
    check: |id, pass, value| format!("{id} {} {value}", if pass { "✓" } else { "✗" }),
    provider: str::to_owned,
    stored: str::to_owned,
    log_of_earlier_version: |generation| {
        format!("The log of impressions lacks generation {generation}: it was played by an earlier version.")
    },
    log_differs: |generation| {
        format!(
            "The log of impressions lacks generation {generation}: the market no longer plays it as it did."
        )
    },
};

const PAGE: Page = Page {
    title: "Spotwright report",
    simulated: "Simulated market",
    by: "by ",
    clicked_best: "of viewers clicked the best video",
    generations: "generations",
    drafted: "variants drafted and scored",
    placed_winners: "winners placed",
    unspent: "not spent",
    ended_early: "The run ended early.",
    winners: "Winners",
    winners_note: "Best first, by realized click rate drawn toward the common mean, so that a few lucky clicks do \
                   not decide. Press play: these are the finished videos.",
    video: "Video ",
    rate_interval: "of viewers clicked · 90 % interval",
    never_shown: "not shown to anybody",
    predicted: "Predicted",
    shown: "Shown",
    clicks: "Clicks",
    cost: "Cost",
    bred_from: "Bred from",
    note: "Note",
    worn_out: "worn out: shown too often to the same people",
    script: "Script and what each line rests on",
    stand_in: " (in place of a provider that failed)",
    published: "Published text: ",
    why: "Why the model predicted this",
    most_alike: "Most alike of what was shown before: ",
    comma: ", ",
    stop: ".",
    ladder: "Traffic ladder and checks",
    rung: "Rung",
    beats: "Beats the median",
    decision: "Decision",
    gate: "Quality gate: ",
    audience_did: "What the audience did",
    audience_note: "Points are estimates, bars 90 % intervals. Two generations of one run are not a controlled \
                    comparison: budget, traffic and luck differ too.",
    trend_caption: "Click rate of all winners of a generation.",
    scatter_caption: "Every winner: predicted before showing, against realized with its 90 % interval. On the \
                      dashed line both agree; colors are generations.",
    generation: "Generation",
    variants: "Variants",
    placed: "Placed",
    click_rate: "Click rate",
    interval: "90 % interval",
    conversions: "Conversions",
    media_cost: "Media cost",
    believed: "How far predictions could be believed",
    promised: "Promised",
    alarm: "Drift alarm",
    quiet: "quiet",
    raised: "raised",
    held: "held",
    alarm_stands: "The drift alarm stands: take predicted click rates of this run as an order of winners, not as \
                   rates.",
    learnt: "What was learnt",
    helped: "What would have helped to know",
    money: "Money",
    budget: "Budget",
    media: "Media",
    production: "Production (language model, rendering)",
    not_spent: "Not spent",
    generated: "Generated shots",
    generated_note: "What a video model was asked for, who made it, and where the advertiser's own picture stands \
                     in for it. A shot that several videos show is made and paid for once.",
    prompt: "Asked for",
    shown_in: "In (shot)",
    made_by: "Made by",
    remarks: "Remarks",
    all_variants: "All variants",
    variant: "Variant",
    hook: "Hook",
    direction: "Direction",
    appeal: "Appeal",
    state: "State",
    how_to_read: "How to read this",
    simulated_title: "The audience is simulated.",
    simulated_note: " Impressions, clicks, conversions and prices come from the built-in market, whose audience \
                     has tastes of its own that neither the agent nor the click model can see. They show how the \
                     loop works and which ideas are worth testing; they do not foretell a real campaign.",
    ai_title: "Made by AI.",
    ai_note: " Every video carries a visible mark at its start and a machine-readable label in its file. Every \
              claim rests on a fact of the brief, with the evidence the advertiser named.",
    run: "Run",
    seed: "seed",
    click_model: "click model",
    audience: "audience",
    files: ". The whole story stands in `trace.jsonl`, the numbers in `winners.json`, `explanations.json` and \
            `market.json`, every decision of the market in `impressions.parquet`.",
};

fn lost(stage: LostAt, lost: usize, reason: Option<&str>) -> String {
    let what = match stage {
        LostAt::Writing => ["script could not be written", "scripts could not be written"],
        LostAt::Preview => ["preview could not be made", "previews could not be made"],
        LostAt::Scoring => ["preview could not be scored", "previews could not be scored"],
        LostAt::Final => ["final video could not be made", "final videos could not be made"],
        LostAt::Gate => {
            ["final video did not pass the quality gate", "final videos did not pass the quality gate"]
        }
    };
    let what = what[usize::from(lost > 1)];
    match (reason, lost) {
        (None, _) => format!(" {lost} {what}."),
        (Some(reason), 1) => format!(" {lost} {what}: {reason}."),
        (Some(reason), _) => format!(" {lost} {what}; the first: {reason}."),
    }
}

/// What a check of the gate means to somebody who has never heard of it.
fn meaning(check: &str) -> &'static str {
    match check {
        "frozen" => "the picture does not change enough, so the video would look frozen",
        "black" => "the picture is nearly black",
        "text_contrast" | "ai_label_visible" => "a text cannot be read well enough on its ground",
        "safe_zone" => "a text would be covered by the buttons of the placement",
        "reading_time" => "a text is too long to be read while it is shown",
        "sound" | "drift" | "loudness" | "true_peak" | "silence" => {
            "the sound is not as the placement needs it"
        }
        "ai_metadata" | "ai_label_time" | "ai_label_height" => "the label of AI-made content is missing",
        "clip_frozen" => "a generated shot hardly moves, so it looks frozen",
        "clip_black" => "a generated shot is nearly black",
        "missing_glyphs" | "clipped_ink" => "a text is not shown whole",
        "sound_sync" => "the sound does not fit the picture in time",
        "ssim" | "color_match" => "the encoded picture is not the one that was designed",
        "fidelity" => "the product in a shot is not the product of the pictures",
        "readable" => "the file cannot be read",
        _ => "the file is not as the placement needs it",
    }
}

fn stop_behind(sentence: &str) -> &'static str {
    if ends_sentence(sentence) { "" } else { "." }
}

/// What is going on, for people.
fn progress(run: &RunView) -> String {
    let counts = run.counts;
    let total = run.request.variants;
    let what = match run.stage {
        Stage::Requested | Stage::Planning => "choosing directions".to_owned(),
        Stage::Drafting => "writing scripts".to_owned(),
        Stage::WaitingForAnswers => "waiting for answers".to_owned(),
        Stage::WaitingForApproval => format!("{} scripts wait for approval", counts.drafted),
        Stage::Scoring => format!("previews: {} of {total} scored", counts.scored),
        Stage::Selecting => "choosing variants".to_owned(),
        Stage::Rendering => {
            let wanted = run.request.winners.min(total);
            // People reject before anything is rendered, and are not told what they know.
            let seen = run.request.people.approval != Approval::None;
            let rejected = if counts.rejected == 0 || seen {
                String::new()
            } else {
                format!(", {} did not pass the gate", counts.rejected)
            };
            format!("rendering: {} of {wanted} finished{rejected}", counts.won + counts.rendered)
        }
        Stage::Playing => "the market is playing".to_owned(),
        Stage::Observing | Stage::Learning => "learning from the audience".to_owned(),
        Stage::Finished => "finished".to_owned(),
    };
    format!("generation {} of {}: {what}", run.generation.max(1), run.request.generations)
}
