//! English.

use spotwright_core::domain::copy_rules::locale::percent;
use spotwright_core::domain::copy_rules::reading::ends_sentence;
use spotwright_core::domain::estimate::{Basis, WorkKind};
use spotwright_core::domain::withdrawal::{Change, Price, Withdrawal};
use spotwright_core::ports::clip_source::Leavable;
use spotwright_core::ports::language_model::ModelFault;
use spotwright_creative::critique::Finding;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;

use super::{
    ClipMakerTold, ClipWords, Doing, EstimateWords, Failure, GenerationTold, Imported, LossWords, LostAt,
    Page, Plots, Reply, TerminalWords, WhyWords, Words, WorkTold, WriterWords, feed_price,
};
use crate::writers::Shares;

/// Said where the words come from the copy engine by choice.
pub(crate) const COPY_ENGINE_WROTE: &str =
    "The words were written by the built-in copy engine from the brief's facts; no language model was asked.";

/// Said where voices are wanted and not installed.
pub(crate) const VOICE_NOT_INSTALLED: &str = "No voice speaks, because its files are not installed: run `./infra/setup.sh`. The ads have captions and music.";

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
        reason: |failure: &Failure<'_>| failure.plain(),
        failed_check: |check, measured, needed| {
            format!("{} (measured {measured}, needed {needed})", meaning(check))
        },
    },
    writers: WriterWords {
        fault: |fault, words| format!("{}{words}", fault.map_or("", ModelFault::prefix)),
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
        without: |source, what, clips| {
            let clips = if clips == 1 { "1 clip was".to_owned() } else { format!("{clips} clips were") };
            let all = if what == Leavable::Pictures { "all " } else { "" };
            format!("`{source}` does not take {all}{}: {clips} made without.", what.words())
        },
        left_away: |left| {
            let all: Vec<String> = left.iter().map(ToString::to_string).collect();
            format!("without: {}", all.join(", "))
        },
        fell_back: |clips, why| {
            let show = if clips == 1 { "shot shows a real picture" } else { "shots show real pictures" };
            format!("{clips} generated {show} instead: {why}{}", stop_behind(why))
        },
        tried: |source, why| format!("`{source}`: {why}"),
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
    reply,
    lesson: |clicks, impressions| format!("({clicks} clicks of {impressions})"),
    role: |role| match role {
        Role::Hook => "Hook",
        Role::Body => "Body",
        Role::Proof => "Proof",
        Role::Cta => "Call to action",
    },
    objective: str::to_owned,
    state: str::to_owned,
    failure: str::to_owned,
    imported: |imported: &Imported| {
        let Imported { ads, impressions, clicks } = imported;
        format!(
            "Results of real platforms were used: {ads} of the product's ads with {impressions} impressions and \
             {clicks} clicks. For their directions they are the evidence, and the simulated results do not count."
        )
    },
    estimate: EstimateWords {
        total: |currency, band, cap| {
            format!("The run would cost {band} {currency}, and never more than {cap}.")
        },
        band: |low, high, expected| format!("{low} to {high}, expected {expected}"),
        work: |told: &WorkTold<'_>| {
            let WorkTold { kind, provider, calls, cost, basis } = told;
            let what = match kind {
                WorkKind::LanguageModel => "language model",
                WorkKind::Clips => "clips",
                WorkKind::Renders => "renders",
                WorkKind::Media => "media",
            };
            let basis = match basis {
                Basis::Quote => "quote",
                Basis::Measured => "measured",
                Basis::Budget => "budget",
            };
            let who = provider.map_or_else(String::new, |name| format!(" by {name}"));
            let calls = if calls.low == calls.high {
                calls.low.to_string()
            } else {
                format!("{} to {}", calls.low, calls.high)
            };
            format!("  {what}{who}, {calls} times: {cost} ({basis})")
        },
        reaches_cap: "What is made before the market may use this up: the run might end early.",
    },
    withdrawal,
    decision: str::to_owned,
    check: |id, pass, value| format!("{id} {} {value}", if pass { "✓" } else { "✗" }),
    provider: str::to_owned,
    stored: str::to_owned,
    voice: |voice| {
        let mut told = match voice.spoken_lines {
            0 => "No line of the winners is spoken.".to_owned(),
            1 => format!("One line of the winners is spoken by {}.", voice.speakers.join(", ")),
            lines => format!("{lines} lines of the winners are spoken by {}.", voice.speakers.join(", ")),
        };
        if voice.silent_lines > 0 {
            told.push_str(&format!(" Not spoken: {}.", voice.silent_lines));
        }
        for why in &voice.why {
            let why = why.to_string();
            told.push_str(&format!(" Reason: {why}{}", stop_behind(&why)));
        }
        told
    },
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
    asked: "Questions and answers",
    asked_note: "What the agent asked about the brief, what it went on with, and who said so. An answer becomes a \
                 fact of this run.",
    question: "Question",
    answer: "Answer or default",
    who: "Who",
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

fn withdrawal(why: &Withdrawal) -> String {
    let price = |price: Option<&Price>| feed_price(price, "no price");
    let what = match &why.change {
        Change::Price { old, new } => {
            format!("the price was {} and is {}", price(Some(old)), price(new.as_ref()))
        }
        Change::PriceBefore { old, new } => {
            format!("the price before was {} and is {}", price(Some(old)), price(new.as_ref()))
        }
        Change::Ends { old, new } => {
            format!("the last day was {old} and is {}", new.as_deref().unwrap_or("not said"))
        }
        Change::SoldOut => "it is sold out".to_owned(),
        Change::Removed => "it is not in the feed any more".to_owned(),
    };
    let says = if why.line.is_empty() { String::new() } else { format!(" It says “{}”.", why.line) };
    let product = if why.title.is_empty() { &why.product } else { &why.title };
    format!("withdrawn: {product}: {what} ({}).{says}", why.source)
}

fn lost(stage: LostAt, lost: usize, reason: Option<&str>) -> String {
    let what = match stage {
        LostAt::Writing => ["script could not be written", "scripts could not be written"],
        LostAt::Preview => ["preview could not be made", "previews could not be made"],
        LostAt::Scoring => ["preview could not be scored", "previews could not be scored"],
        LostAt::Final => ["final video could not be made", "final videos could not be made"],
        LostAt::Feed => [
            "video was withdrawn because of a product feed",
            "videos were withdrawn because of a product feed",
        ],
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
        "provenance" => "the signed statement of where the video comes from is missing or not valid",
        "readable" => "the file cannot be read",
        _ => "the file is not as the placement needs it",
    }
}

fn stop_behind(sentence: &str) -> &'static str {
    if ends_sentence(sentence) { "" } else { "." }
}

/// What is going on, for people.
fn progress(generation: u32, of: u32, doing: Doing) -> String {
    let what = match doing {
        Doing::ChoosingDirections => "choosing directions".to_owned(),
        Doing::WritingScripts => "writing scripts".to_owned(),
        Doing::WaitingForAnswers => "waiting for answers".to_owned(),
        Doing::WaitingForApproval(scripts) => format!("{scripts} scripts wait for approval"),
        Doing::Scoring(scored, total) => format!("previews: {scored} of {total} scored"),
        Doing::ChoosingVariants => "choosing variants".to_owned(),
        Doing::Rendering(made, wanted, 0) => format!("rendering: {made} of {wanted} finished"),
        Doing::Rendering(made, wanted, rejected) => {
            format!("rendering: {made} of {wanted} finished, {rejected} did not pass the gate")
        }
        Doing::Playing => "the market is playing".to_owned(),
        Doing::Learning => "learning from the audience".to_owned(),
        Doing::Finished => "finished".to_owned(),
    };
    format!("generation {generation} of {of}: {what}")
}

/// Who answered a question, or that its default was taken.
fn reply(reply: Reply<'_>) -> String {
    let who = |by: &str| match by.split_once(':') {
        Some(("key", id)) => format!("with the API key {id}"),
        _ if by == "person" => "by a person".to_owned(),
        _ => "by the program".to_owned(),
    };
    match reply {
        Reply::Answered(by) => format!("answered {}", who(by)),
        Reply::DefaultChosen(by) => format!("default, chosen {}", who(by)),
        Reply::DefaultTaken => "default; nobody answered".to_owned(),
    }
}
