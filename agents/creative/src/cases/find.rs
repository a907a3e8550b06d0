//! Finding cases: by words and by meaning, fused by rank, then picked so that they differ.

use serde::Serialize;
use spotwright_schemas::brief::{Brief, Vertical};
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::script::Structure;

use super::case::{Case, NoteParts};
use super::library::Library;
use super::meaning::{TextVectors, concepts, concepts_of_winner, cosines};
use super::winners::Winner;
use super::words::{Match, Weighted, overlap, weighted};
use crate::copywriter::vertical_of;

/// Offset of reciprocal rank fusion: how little the first ranks stand out from the next. The shelf
/// is small, so that a smaller one than is usual for web pages keeps the order.
const RANK_OFFSET: f64 = 12.0;
/// Share of relevance, against difference, in the choice of the next case.
const RELEVANCE: f64 = 0.8;
/// What a structure that was picked already costs: more than any relevance, so that it comes again
/// only when no candidate has another one.
const SAME_STRUCTURE: f64 = 2.0;
/// What is left of a case's relevance when the brief lacks what it needs.
const LACKING: f64 = 0.6;
/// Candidates among which is chosen, for each one asked for, and at least.
const CANDIDATES: [usize; 2] = [4, 12];
/// Most of the organization's winners that a search looks at, in the order given.
pub const MOST_WINNERS: usize = 200;
/// Most terms that are named.
const NAMED_TERMS: usize = 6;

/// What is looked for.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The brief.
    pub brief: &'a Brief,
    /// Whose winners may be found; none where absent.
    pub organization: Option<OrganizationId>,
    /// Winners, of which only the organization's own are looked at.
    pub winners: &'a [Winner],
    /// The structure that is wanted; any where absent.
    pub structure: Option<Structure>,
    /// How many.
    pub count: usize,
    /// Vectors of texts, where a model is there.
    pub vectors: Option<&'a dyn TextVectors>,
}

impl<'a> Query<'a> {
    /// A search among the authored cases, by words and concepts.
    #[must_use]
    pub const fn new(brief: &'a Brief, count: usize) -> Self {
        Self { brief, organization: None, winners: &[], structure: None, count, vectors: None }
    }
}

/// What was found: an authored case, or an advertisement of the organization's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source<'a> {
    /// An authored case.
    Case(&'a Case),
    /// A winner of the organization.
    Own(&'a Winner),
}

impl Source<'_> {
    /// What scripts cite it by.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Case(case) => case.id.clone(),
            Self::Own(winner) => winner.id(),
        }
    }

    /// How it is built; winners of the first version have no structure.
    #[must_use]
    pub const fn structure(&self) -> Option<Structure> {
        match self {
            Self::Case(case) => Some(case.structure),
            Self::Own(winner) => winner.script.structure,
        }
    }

    /// What a prompt shows of it.
    #[must_use]
    pub fn note_parts(&self) -> NoteParts {
        match self {
            Self::Case(case) => case.note_parts(),
            Self::Own(winner) => winner.note_parts(),
        }
    }
}

/// What meaning was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Words, and the concepts that brief and case both name.
    WordsAndConcepts,
    /// Words, concepts, and vectors of a text model.
    WordsAndVectors,
}

/// A case that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<'a> {
    /// The case.
    pub source: Source<'a>,
    /// How well it fits, in [0, 1]; comparable within one search only.
    pub score: f64,
    /// Terms of the brief that it holds, the most telling first.
    pub matched: Vec<String>,
    /// Why it was found, in one line for people.
    pub why: String,
    /// What meaning was read from.
    pub by: By,
}

/// A candidate before it is picked.
struct Candidate<'a> {
    source: Source<'a>,
    words: Match,
    concepts: f64,
    document: Document<'a>,
    lacking: Vec<String>,
}

/// The terms of a candidate: kept with the shelf, or made for a winner.
enum Document<'a> {
    Kept(&'a Weighted),
    Made(Weighted),
}

impl Document<'_> {
    fn terms(&self) -> &Weighted {
        match self {
            Self::Kept(terms) => terms,
            Self::Made(terms) => terms,
        }
    }
}

impl Library {
    /// The cases that fit a brief, the one that fits most first, of different structures as far as
    /// there are. Fewer than asked for when the library holds no more.
    ///
    /// Deterministic. A winner of another organization is never among them. Cost without vectors: one
    /// look-up for every term of the brief in every case of its language.
    #[must_use]
    pub fn find<'a>(&'a self, query: &Query<'a>) -> Vec<Found<'a>> {
        let vertical = vertical_of(query.brief);
        let words = words_of(query.brief);
        let candidates = self.candidates(query, vertical, &words);
        let texts = || candidates.iter().map(|candidate| text_of(&candidate.source)).collect::<Vec<_>>();
        let vectors = query.vectors.and_then(|model| cosines(model, &text_of_brief(query.brief), &texts()));
        let by = if vectors.is_some() { By::WordsAndVectors } else { By::WordsAndConcepts };
        let relevance = fused(&candidates, vectors.as_deref());
        let picked = pick(&candidates, &relevance, query);
        picked
            .into_iter()
            .filter_map(|at| {
                let (candidate, score) = (candidates.get(at)?, *relevance.get(at)?);
                Some(Found {
                    source: candidate.source,
                    score,
                    matched: telling(&candidate.words),
                    why: why(candidate, query.brief, vertical),
                    by,
                })
            })
            .collect()
    }

    fn candidates<'a>(
        &'a self,
        query: &Query<'a>,
        vertical: Vertical,
        words: &Weighted,
    ) -> Vec<Candidate<'a>> {
        let shelf = self.shelf(query.brief.locale);
        let wanted = |structure: Option<Structure>| query.structure.is_none() || structure == query.structure;
        let indexed = shelf.cases.iter().zip(shelf.documents.iter().zip(&shelf.tags));
        let authored =
            indexed.filter(|(case, _)| wanted(Some(case.structure))).map(|(case, (document, tags))| {
                Candidate {
                    source: Source::Case(case),
                    words: shelf.index.score(document, words),
                    concepts: concepts(case, tags, query.brief, vertical, words),
                    document: Document::Kept(document),
                    lacking: case.needs.lacking(query.brief),
                }
            });
        let own = query
            .winners
            .iter()
            // The one place where winners enter: whoever holds a list of many organizations finds
            // nothing but the asking one's.
            .filter(|winner| Some(winner.organization) == query.organization)
            .filter(|winner| winner.script.locale == query.brief.locale)
            .filter(|winner| wanted(winner.script.structure))
            .take(MOST_WINNERS)
            .map(|winner| {
                let document = winner.document();
                Candidate {
                    source: Source::Own(winner),
                    words: shelf.index.score(&document, words),
                    concepts: concepts_of_winner(winner, query.brief, vertical),
                    document: Document::Made(document),
                    lacking: Vec::new(),
                }
            });
        authored.chain(own).collect()
    }
}

/// The terms of a brief: what is sold more than what is said of it. Names are left out: they are the
/// advertiser's and stand in no case.
fn words_of(brief: &Brief) -> Weighted {
    let product = &brief.product;
    let kind = [product.noun_phrase.as_deref().unwrap_or(""), product.category.as_str()];
    let covers = brief.offer.as_ref().and_then(|offer| offer.covers.as_deref()).unwrap_or("");
    let said = product.facts.iter().map(|fact| (fact.text.as_str(), 1.0));
    weighted(
        kind.into_iter()
            .map(|text| (text, 2.0))
            .chain([(brief.audience.description.as_str(), 1.0), (covers, 1.0)])
            .chain(said),
    )
}

fn text_of_brief(brief: &Brief) -> String {
    let product = &brief.product;
    let kind = product.noun_phrase.as_deref().unwrap_or(&product.category);
    let mut text = format!("{kind}. {}.", brief.audience.description);
    for fact in &product.facts {
        text.push(' ');
        text.push_str(&fact.text);
        text.push('.');
    }
    text
}

fn text_of(source: &Source<'_>) -> String {
    match source {
        Source::Case(case) => {
            format!("{}. {}. {} {}", case.product, case.title, case.idea, case.tags.join(", "))
        }
        Source::Own(winner) => format!("{}. {}", winner.summary, winner.script.full_text()),
    }
}

/// Reciprocal rank fusion of the lists, scaled so that the first of every list has 1.
fn fused(candidates: &[Candidate<'_>], vectors: Option<&[f64]>) -> Vec<f64> {
    let words: Vec<f64> = candidates.iter().map(|candidate| candidate.words.score).collect();
    let concepts: Vec<f64> = candidates.iter().map(|candidate| candidate.concepts).collect();
    let mut lists = vec![words, concepts];
    lists.extend(vectors.map(<[f64]>::to_vec));
    let mut sums = vec![0.0; candidates.len()];
    for list in &lists {
        for (sum, share) in sums.iter_mut().zip(rank_shares(list)) {
            *sum += share;
        }
    }
    let most = lists.len() as f64 / (RANK_OFFSET + 1.0);
    sums.iter()
        .zip(candidates)
        .map(|(sum, candidate)| {
            let carried = if candidate.lacking.is_empty() { 1.0 } else { LACKING };
            carried * sum / most
        })
        .collect()
}

/// What each place of a list adds; equal scores share a rank, and what scores nothing adds nothing.
fn rank_shares(scores: &[f64]) -> Vec<f64> {
    scores
        .iter()
        .map(|score| {
            if *score <= 0.0 {
                return 0.0;
            }
            let better = scores.iter().filter(|other| *other > score).count();
            1.0 / (RANK_OFFSET + 1.0 + better as f64)
        })
        .collect()
}

/// Picks one after the other what is relevant and differs from what was picked (maximal marginal
/// relevance over structure and text). Equal values fall to the earlier candidate.
fn pick(candidates: &[Candidate<'_>], relevance: &[f64], query: &Query<'_>) -> Vec<usize> {
    let relevant = |at: usize| relevance.get(at).copied().unwrap_or(0.0);
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| relevant(*b).total_cmp(&relevant(*a)).then(a.cmp(b)));
    order.truncate(CANDIDATES[1].max(query.count.saturating_mul(CANDIDATES[0])));
    // Each open candidate with its likeness to the most alike of those picked.
    let mut open: Vec<(usize, f64)> = order.into_iter().map(|at| (at, 0.0)).collect();
    let mut picked: Vec<usize> = Vec::new();
    while picked.len() < query.count {
        let mut best: Option<(usize, f64)> = None;
        for (place, (at, alike)) in open.iter().enumerate() {
            let worth = RELEVANCE * relevant(*at) - (1.0 - RELEVANCE) * alike;
            if best.is_none_or(|(_, known)| worth > known) {
                best = Some((place, worth));
            }
        }
        let Some((place, _)) = best else { break };
        let (chosen, _) = open.remove(place);
        picked.push(chosen);
        let Some(chosen) = candidates.get(chosen) else { break };
        for (at, alike) in &mut open {
            let Some(other) = candidates.get(*at) else { continue };
            *alike = alike.max(likeness(chosen, other, query.structure.is_none()));
        }
    }
    picked
}

/// How like two candidates are. Where a structure was asked for, all have it and it tells nothing.
fn likeness(one: &Candidate<'_>, other: &Candidate<'_>, by_structure: bool) -> f64 {
    let structure = one.source.structure();
    let repeated = by_structure && structure.is_some() && other.source.structure() == structure;
    // Divided by the share that likeness has in the choice.
    let repetition = if repeated { SAME_STRUCTURE / (1.0 - RELEVANCE) } else { 0.0 };
    overlap(one.document.terms(), other.document.terms()) + repetition
}

/// The common terms that add most, in that order.
fn telling(words: &Match) -> Vec<String> {
    let mut terms: Vec<&(String, f64)> = words.terms.iter().collect();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    terms.into_iter().take(NAMED_TERMS).map(|(term, _)| term.clone()).collect()
}

/// Why a candidate was found, in one line.
fn why(candidate: &Candidate<'_>, brief: &Brief, vertical: Vertical) -> String {
    let objective = brief.objective.as_str();
    match &candidate.source {
        Source::Case(case) => {
            let trade = case.verticals.first().map_or("", |own| own.as_str());
            let mut text = if case.serves(vertical) >= 1.0 {
                format!("made for {trade}")
            } else if case.serves(vertical) >= 0.7 {
                format!("made for {trade}, serves {}", vertical.as_str())
            } else {
                format!("made for {trade}, near by its words")
            };
            if case.objectives.contains(&brief.objective) {
                text.push_str(&format!("; serves {objective}"));
            }
            if !candidate.lacking.is_empty() {
                text.push_str(&format!("; the brief lacks {}", candidate.lacking.join(" and ")));
            }
            text
        }
        Source::Own(winner) => format!(
            "your own: {:.2} times the click rate of its campaign's others ({:.2} to {:.2}, {} impressions)",
            winner.lift.ratio, winner.lift.low, winner.lift.high, winner.lift.impressions
        ),
    }
}
