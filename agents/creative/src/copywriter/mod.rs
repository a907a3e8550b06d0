//! The copy engine: whole scripts from the facts of a brief, without a language model.
//!
//! # Purpose
//! The advertiser's facts are the middle lines, in their own words. Around them stand authored
//! elements (`elements/`): scenes of the viewer's life, objections that a fact answers, closing
//! lines. A [`Structure`] decides what follows what; an opening is only taken with a fact that
//! answers it.
//!
//! # Invariants
//! - Equal brief, request and seed give equal scripts.
//! - No line holds a number, price or claim that is not in a fact, the offer or a name.
//! - Two scripts of one answer share at most one line.
//! - The offer or price stands in every script of a brief that has one; every `must_say` too.
//!
//! # Example
//! ```
//! use spotwright_creative::copywriter::{Request, write};
//! use spotwright_schemas::brief::Brief;
//!
//! let brief = Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml"))?;
//! let request = Request { brief: &brief, scripts: 6, structures: &[], avoid: &[], seed: 7 };
//! let scripts = write(&request);
//! assert_eq!(scripts, write(&request));
//! assert!(scripts.iter().all(|script| (4..=7).contains(&script.lines.len())));
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

mod close;
mod elements;
mod judge;
mod material;
mod naming;
mod phrases;
mod shapes;
mod sparse;
mod speech;
mod structures;
mod terms;
mod weighed;

use std::collections::{BTreeMap, BTreeSet};

use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, FactId, Vertical};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Direction, Line, Provenance, Script, Structure};

use crate::copy_engine::PROVIDER;
use material::Material;
use structures::{Builder, Built, Draws};

/// What a numbered reason cites in the place of an element.
const LISTED: &str = "list";
/// Attempts at scripts of one structure.
const ATTEMPTS: u64 = 24;
/// Attempts at scripts of a brief of few facts.
const SPARSE_ATTEMPTS: u64 = 320;
/// What puts a structure that was asked for before every other.
const ASKED_FIRST: f64 = 1000.0;
/// What a structure loses for each script of the answer that has it already.
const AGAIN: f64 = 1.2;
/// The same for a list or a price up front, which come twice only where nothing else is left.
const PLAIN_AGAIN: f64 = 6.0;
/// Share of common words above which a script says what an earlier one of the answer said.
const NEAR: f64 = 0.78;
/// How many structures an answer is spread over before one comes more often than that takes.
const SPREAD: usize = 3;
/// What puts a structure that the answer does not have yet before the others, until it is spread.
const UNSEEN_FIRST: f64 = 100.0;
/// How often attempts are made in which any fact may carry on, while a script or a kind of it is missing.
const LOOSE_ROUNDS: u64 = 12;
/// Attempts in a row that build nothing, after which the facts are taken not to carry a structure.
const HOPELESS: u64 = 6;

/// What is asked of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The brief.
    pub brief: &'a Brief,
    /// How many scripts.
    pub scripts: usize,
    /// Structures to write, in order, repeated as needed; empty for every one the facts allow.
    pub structures: &'a [Structure],
    /// Captions that must not open a script.
    pub avoid: &'a [String],
    /// Seed.
    pub seed: u64,
}

/// The structures that a brief's facts can carry, in the order of [`Structure`].
#[must_use]
pub fn possible_structures(brief: &Brief) -> Vec<Structure> {
    let material = Material::of(brief);
    let carried = |structure: &Structure| {
        (0..8).any(|attempt| {
            let stream = Stream::new(attempt, "possible").child(*structure as u64);
            attempt_at(&material, *structure, stream, false)
                .is_some_and(|built| judge::mark(&material, &built).is_some())
        })
    };
    Structure::ALL.into_iter().filter(carried).collect()
}

/// Writes scripts; fewer than asked for when the facts hold no further different one.
///
/// Asked-for structures come in their order; where one holds nothing new, another takes its place.
/// Without any, the scripts that hang together best come first, each structure before it comes
/// again. Deterministic in the request. Cost: a few milliseconds a brief.
#[must_use]
pub fn write(request: &Request<'_>) -> Vec<Script> {
    if request.scripts == 0 {
        return Vec::new();
    }
    let material = Material::of(request.brief);
    let stream = Stream::new(request.seed, &format!("copywriter {}", request.brief.id));
    let new = |built: &Built, written: &[Script]| judge::differs(&material, built, written, request.avoid);
    let mut pool = candidates(&material, &stream, false, &|built| new(built, &[]));
    let mut rounds = 0;
    let mut worn: BTreeMap<FactId, u32> = BTreeMap::new();
    let mut uses: BTreeMap<Structure, u32> = BTreeMap::new();
    let mut written: Vec<Script> = Vec::new();
    let mut said: Vec<BTreeSet<String>> = Vec::new();
    let sparse = sparse::is_sparse(&material);
    while written.len() < request.scripts {
        let number = written.len();
        let asked = request.structures.get(number % request.structures.len().max(1)).copied();
        pool.retain(|candidate| new(&candidate.built, &written));
        // The third script brings a structure that is not there yet, until there are three, the fifth a
        // fourth.
        let few = number + 1 >= SPREAD && uses.len() < SPREAD;
        let spread = asked.is_none() && (few || number > SPREAD && uses.len() <= SPREAD);
        let again = |candidate: &Candidate| {
            let used = uses.get(&candidate.built.structure).copied().unwrap_or(0);
            // A second list or a second price up front is the same film once more.
            let plain = matches!(candidate.built.structure, Structure::OfferFirst | Structure::ThreeReasons);
            f64::from(used) * if plain { PLAIN_AGAIN } else { AGAIN }
        };
        let rank = |candidate: &Candidate| {
            let facts = candidate.built.shots.iter().flat_map(|shot| &shot.facts);
            let worn: u32 = facts.map(|id| worn.get(id).copied().unwrap_or(0)).sum();
            let fresh = asked == Some(candidate.built.structure);
            let again = again(candidate);
            candidate.score - 0.3 * f64::from(worn) - again
                + if fresh { ASKED_FIRST } else { 0.0 }
                + if spread && again == 0.0 { UNSEEN_FIRST } else { 0.0 }
        };
        let best = pool
            .iter()
            .enumerate()
            .map(|(at, candidate)| (at, rank(candidate)))
            .reduce(|best, other| if other.1 > best.1 { other } else { best });
        // More scripts than hang together are asked for, none of a kind that a longer answer still wants, or
        // only the same film once more is left: any fact may carry on in the others, and a brief of few facts
        // says them in other ways.
        let next = best.and_then(|(at, _)| pool.get(at));
        let missing = next.is_none_or(|next| spread && number >= SPREAD && again(next) > 0.0);
        let plain = asked.is_none() && next.is_some_and(|next| again(next) >= PLAIN_AGAIN);
        if missing && rounds < LOOSE_ROUNDS || plain && rounds == 0 {
            // What repeats a written script is not worth judging.
            let fresh = |built: &Built| new(built, &written);
            pool.extend(candidates(&material, &stream.child(u64::MAX - 2 * rounds), true, &fresh));
            if sparse && rounds == 0 {
                pool.extend(sparse_candidates(&material, &stream.child(u64::MAX - 1)));
            }
            rounds += 1;
            continue;
        }
        let Some((at, _)) = best else { break };
        let Candidate { built, .. } = pool.swap_remove(at);
        // Where there are few facts all scripts have most of their words in common.
        let text = judge::text_of(&built);
        if !sparse && said.iter().any(|known| judge::likeness(known, &text) >= NEAR) {
            continue;
        }
        said.push(text);
        for id in built.shots.iter().flat_map(|shot| &shot.facts) {
            *worn.entry(id.clone()).or_default() += 1;
        }
        *uses.entry(built.structure).or_default() += 1;
        written.push(finished(&material, built));
    }
    written
}

/// A script that keeps every rule, with how good it is.
struct Candidate {
    built: Built,
    score: f64,
}

/// Scripts of every structure that the facts carry, as many as are worth choosing from, of those that are
/// `fresh`.
fn candidates(
    material: &Material<'_>,
    stream: &Stream,
    any_fact: bool,
    fresh: &dyn Fn(&Built) -> bool,
) -> Vec<Candidate> {
    let mut pool: Vec<Candidate> = Vec::new();
    for structure in Structure::ALL {
        let stream = stream.child(structure as u64);
        let mut empty = 0;
        for attempt in 0..ATTEMPTS {
            let Some(built) = attempt_at(material, structure, stream.child(attempt), any_fact) else {
                empty += 1;
                if empty > HOPELESS && empty > attempt {
                    break;
                }
                continue;
            };
            if let Some(score) = judge::mark(material, &built).filter(|_| fresh(&built)) {
                pool.push(Candidate { built, score });
            }
        }
    }
    pool
}

/// Scripts of a brief of few facts, which differ by what stands around them.
fn sparse_candidates(material: &Material<'_>, stream: &Stream) -> Vec<Candidate> {
    let attempt = |attempt: u64| {
        let mut builder = Builder::new(material, Draws::new(stream.child(attempt)), true);
        let mut built = builder.sparse()?;
        judge::add_must_say(&builder, &mut built);
        let score = judge::mark(material, &built)?;
        Some(Candidate { built, score })
    };
    (0..SPARSE_ATTEMPTS).filter_map(attempt).collect()
}

/// The brief's line of business: its own word, or what its words tell.
#[must_use]
pub(crate) fn vertical_of(brief: &Brief) -> Vertical {
    material::vertical_of(brief)
}

/// The words of the element that a line cites; empty for lines of facts alone.
#[must_use]
pub(crate) fn authored(locale: Locale, cite: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if let Some(entry) = elements::bank(locale).entries.iter().find(|entry| entry.cite == cite) {
        words.extend([entry.element.caption.clone(), entry.element.voice.clone()]);
    }
    if cite == LISTED {
        words.extend(structures::ORDINALS.iter().map(|ordinal| (*ordinal).to_owned()));
    }
    words
}

/// The key offer as lines say it: prices, what they cover, the last day, how to redeem it.
#[must_use]
pub(crate) fn offer_texts(brief: &Brief) -> Vec<String> {
    let offer = phrases::OfferPhrases::of(brief, &[]);
    [offer.now, offer.before, offer.covers, offer.until, offer.redeem].into_iter().flatten().collect()
}

/// The price of the key offer as lines say it, if there is one.
#[must_use]
pub(crate) fn price_now(brief: &Brief) -> Option<String> {
    phrases::OfferPhrases::of(brief, &[]).now
}

fn attempt_at(
    material: &Material<'_>,
    structure: Structure,
    stream: Stream,
    any_fact: bool,
) -> Option<Built> {
    let mut builder = Builder::new(material, Draws::new(stream), any_fact);
    let mut built = builder.build(structure)?;
    judge::add_must_say(&builder, &mut built);
    Some(built)
}

/// From which side a structure approaches its audience.
pub(crate) const fn angle_of(structure: Structure) -> Angle {
    match structure {
        Structure::ProblemSolution
        | Structure::BeforeAfter
        | Structure::Comparison
        | Structure::TaskTapResult => Angle::Problem,
        Structure::ThreeReasons | Structure::QuestionAnswer | Structure::Unboxing => Angle::Benefit,
        Structure::Demonstration => Angle::Proof,
        Structure::OfferFirst | Structure::PlaceDishDeal => Angle::Offer,
        Structure::MakersStory => Angle::Story,
        Structure::DayInTheLife | Structure::PointOfView | Structure::CliffHanger => Angle::Moment,
    }
}

fn finished(material: &Material<'_>, built: Built) -> Script {
    let direction = Direction { angle: angle_of(built.structure), hook: built.hook };
    let primary_text = judge::primary_text(material, &built);
    let lines = built
        .shots
        .into_iter()
        .map(|shot| Line {
            role: shot.role,
            caption: shot.caption,
            detail: shot.detail,
            voice: shot.voice,
            picture: shot.picture,
            rests_on: shot.facts,
            provenance: Provenance {
                provider: PROVIDER.to_owned(),
                model: shot.source,
                prompt_hash: String::new(),
                fallback: false,
            },
        })
        .collect();
    Script {
        locale: material.brief.locale,
        direction,
        structure: Some(built.structure),
        idea: built.idea,
        learned_from: None,
        lines,
        primary_text,
    }
}
