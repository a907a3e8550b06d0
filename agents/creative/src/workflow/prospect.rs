//! What the paid work of a run would be: its first generation is drafted without a language model and laid out,
//! and every provider is asked what it would charge for it. Nothing is sent, stored or charged.
//!
//! Later generations have other words and, mostly, as many: they are taken to cost as much as the first. A
//! language model reads more in them, and when it writes a script again; quotes leave room for an answer of full
//! length and all repairs, which seldom comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use spotwright_core::domain::estimate::{Band, QuotedWork, Quotes, WorkKind};
use spotwright_core::domain::routing::{Candidate, Terms, Wish, route};
use spotwright_core::domain::run::NewRun;
use spotwright_core::ports::clip_source::{ClipRequest, ClipSource};
use spotwright_core::ports::language_model::{
    CaseNote, Extent, LanguageModel, MAX_SCRIPTS, ScriptRequest, ScriptWish,
};
use spotwright_core::ports::video_backend::{RenderRequest, VideoBackend};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::{Script, Structure};
use spotwright_schemas::storyboard::Storyboard;

use super::stages::draft::{builtin_cases, pictures_of};
use super::stages::place::SMALLEST_CAMPAIGN;
use crate::copy_engine::{CopyEngine, PROVIDER, line_limits};
use crate::copywriter::offer_texts;
use crate::drafting::{DraftRequest, MAX_REVISIONS, SCRIPTS_PER_CALL, draft_generation};
use crate::footage;
use crate::learn::Beliefs;
use crate::plan::plan;
use crate::storyboard::compose;

/// How often a clip is made at most: once more where it shows the product unlike its pictures.
const CLIP_TRIES: u32 = 2;

/// The providers that runs pay.
#[derive(Clone)]
pub struct Prospect {
    /// Who writes scripts.
    pub language_model: Arc<dyn LanguageModel>,
    /// Who renders.
    pub video: Arc<dyn VideoBackend>,
    /// Who makes clips.
    pub clips: Vec<Arc<dyn ClipSource>>,
}

impl Prospect {
    /// The paid work of a run at today's prices. Deterministic; takes as long as writing a generation with the
    /// copy engine.
    ///
    /// # Errors
    /// [`Code::FactsUnsayable`] for a brief that no script can be made of; what
    /// [`compose`] refuses.
    pub async fn quotes(&self, run: &NewRun) -> Result<Quotes, Problem> {
        let request = &run.request;
        let brief = &request.brief;
        let assignments = plan(brief, 1, request.variants as usize, &Beliefs::default(), request.seed);
        let drafting = DraftRequest {
            brief,
            generation: 1,
            assignments: &assignments,
            cases: &[],
            parents: &[],
            avoid: &[],
            lessons: &[],
            seed: request.seed,
            key_prefix: "",
        };
        let drafted = draft_generation(&drafting, &CopyEngine, self.video.as_ref()).await;
        let scripts: Vec<Script> = drafted.scripts.into_iter().map(|draft| draft.script).collect();
        if scripts.is_empty() {
            let message = "no script can be made of the brief's facts";
            return Err(Problem::new(Code::FactsUnsayable, "brief.product.facts", message));
        }
        let pictures = pictures_of(request);
        let boards = scripts
            .iter()
            .map(|script| compose(brief, script, &pictures, request.seed, brief.placements[0]))
            .collect::<Result<Vec<Storyboard>, Problem>>()?;
        let mut work = Vec::new();
        work.extend(self.writing(run, &scripts));
        work.extend(self.clips(run, &boards));
        work.extend(self.renders(run, &boards));
        Ok(Quotes { work, smallest_campaign: SMALLEST_CAMPAIGN })
    }

    /// Scripts by a language model; `None` where the copy engine writes, which charges nothing.
    fn writing(&self, run: &NewRun, scripts: &[Script]) -> Option<QuotedWork> {
        let model = self.language_model.as_ref();
        if model.provider() == PROVIDER {
            return None;
        }
        let request = &run.request;
        let (per_call, rounds) = match model.writes() {
            Extent::WholeScripts => (SCRIPTS_PER_CALL, MAX_REVISIONS + 1),
            Extent::Openings => (1, 1),
        };
        let wishes: Vec<ScriptWish> = scripts
            .iter()
            .take(per_call.min(MAX_SCRIPTS))
            .map(|script| ScriptWish {
                structure: script.structure.unwrap_or(Structure::Demonstration),
                direction: script.direction,
            })
            .collect();
        let cases: Vec<CaseNote> = builtin_cases(&request.brief);
        let asked = ScriptRequest {
            brief: &request.brief,
            wishes: &wishes,
            limits: line_limits(request.brief.locale),
            offer_phrases: &offer_texts(&request.brief),
            cases: &cases,
            lessons: &[],
            parents: &[],
            avoid: &[],
            revisions: &[],
            seed: request.seed,
        };
        let quote = model.quote(&asked);
        let calls = request.generations * request.variants.div_ceil(per_call as u32);
        Some(QuotedWork {
            kind: WorkKind::LanguageModel,
            provider: model.provider().to_owned(),
            calls: Band { low: calls, expected: calls, high: calls * rounds },
            quote,
            highest_quote: quote,
        })
    }

    /// Finished videos; more than winners where some do not pass the gate. Previews too, where they cost something.
    fn renders(&self, run: &NewRun, boards: &[Storyboard]) -> Option<QuotedWork> {
        let request = &run.request;
        let quotes = |stage: RenderStage| -> Vec<Micros> {
            let asked = boards.iter().map(|board| RenderRequest {
                storyboard: footage::with_clips(board, |_| None),
                stage,
                produce_id: run.id.to_string(),
            });
            asked.map(|asked| self.video.quote(&asked)).collect()
        };
        let (finals, previews) = (quotes(RenderStage::Final), quotes(RenderStage::Preview));
        let mut calls = Band {
            low: request.generations * request.winners,
            expected: request.generations * request.winners,
            high: request.generations * request.variants,
        };
        let highest = finals.iter().chain(&previews).copied().max()?;
        if previews.iter().any(|quote| *quote > Micros::ZERO) {
            let all = request.generations * request.variants;
            calls = Band { low: calls.low + all, expected: calls.expected + all, high: calls.high + all };
        }
        Some(QuotedWork {
            kind: WorkKind::Renders,
            provider: self.video.name().to_owned(),
            calls,
            quote: mean(&finals),
            highest_quote: highest,
        })
    }

    /// Generated clips, by the source that a clip would be asked of first.
    fn clips(&self, run: &NewRun, boards: &[Storyboard]) -> Vec<QuotedWork> {
        let request = &run.request;
        let mut sources: BTreeMap<String, Wishes> = BTreeMap::new();
        for board in boards {
            let mut here: BTreeMap<String, u32> = BTreeMap::new();
            for wish in footage::wishes(board) {
                let Some((source, first, dearest)) = self.cheapest(run, &wish.request) else { continue };
                *here.entry(source.clone()).or_default() += 1;
                let known = sources.entry(source).or_default();
                known.quotes.push(first);
                known.dearest = known.dearest.max(dearest);
            }
            for (source, count) in here {
                let known = sources.entry(source).or_default();
                known.in_all += count;
                known.most = known.most.max(count);
            }
        }
        let winners = request.generations * request.winners;
        let quoted = sources.into_iter().map(|(provider, wishes)| {
            let expected = (wishes.in_all * winners).div_ceil(boards.len().max(1) as u32);
            QuotedWork {
                kind: WorkKind::Clips,
                provider,
                // Clips that were made before are taken from the library, and cost nothing.
                calls: Band { low: 0, expected, high: (wishes.most * winners * CLIP_TRIES).max(expected) },
                quote: mean(&wishes.quotes),
                highest_quote: wishes.dearest,
            }
        });
        quoted.collect()
    }

    /// The source that a clip is asked of first, its quote, and the highest of all that may be asked.
    fn cheapest(&self, run: &NewRun, clip: &ClipRequest) -> Option<(String, Micros, Micros)> {
        let brief = &run.request.brief;
        let wish = Wish { sources: brief.footage.sources.clone(), or_others: false };
        let terms = Terms {
            territories: brief.shown_in().into_iter().map(str::to_owned).collect(),
            cap: Some((brief.footage.max_price.unwrap_or(run.budget), brief.budget.currency)),
            wish: Some(wish).filter(|wish| !wish.sources.is_empty()),
            ..Terms::default()
        };
        let candidates: Vec<Candidate<'_>> = self
            .clips
            .iter()
            .map(|source| Candidate {
                name: source.name(),
                capabilities: source.capabilities(),
                licence: source.licence(),
                quote: source.quote(clip),
                expected: None,
            })
            .collect();
        let quote_of = |name: &String| {
            let source = candidates.iter().find(|candidate| candidate.name == name)?;
            source.quote.as_ref().ok().map(|quote| quote.at_most)
        };
        let route = route(clip, &terms, &candidates);
        let first = route.sources.first()?;
        let dearest = route.sources.iter().filter_map(quote_of).max()?;
        Some((first.clone(), quote_of(first)?, dearest))
    }
}

/// The clips that storyboards wish of one source.
#[derive(Default)]
struct Wishes {
    /// In all storyboards together.
    in_all: u32,
    /// In the storyboard that wishes most.
    most: u32,
    quotes: Vec<Micros>,
    dearest: Micros,
}

/// The mean, rounded up.
fn mean(amounts: &[Micros]) -> Micros {
    let sum: i128 = amounts.iter().map(|amount| i128::from(amount.0)).sum();
    let count = amounts.len().max(1) as i128;
    Micros(i64::try_from((sum + count - 1) / count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use spotwright_core::domain::run::{Involvement, RunRequest, StoredPicture};
    use spotwright_core::ports::artifacts::ArtifactHash;
    use spotwright_core::ports::language_model::{LanguageModelError, ProposedScripts};
    use spotwright_core::ports::letters::Letters;
    use spotwright_core::ports::video_backend::{Footage, RenderError};
    use spotwright_core::spine::Shutdown;
    use spotwright_schemas::ids::{OrganizationId, RunId};

    use super::*;
    use crate::fixtures::coffee_en;

    /// Asks ten micros for a script, and can never be made to write one.
    struct Priced;

    #[async_trait]
    impl LanguageModel for Priced {
        fn provider(&self) -> &'static str {
            "priced"
        }

        fn repeatable(&self) -> bool {
            true
        }

        fn quote(&self, request: &ScriptRequest<'_>) -> Micros {
            Micros(10 * request.wishes.len() as i64)
        }

        async fn write(&self, _: &ScriptRequest<'_>, _: &str) -> Result<ProposedScripts, LanguageModelError> {
            Err(LanguageModelError::Refused("an estimate asks for nothing".to_owned()))
        }
    }

    /// Asks a micro for each frame of a finished video.
    struct Studio;

    impl Letters for Studio {
        fn undrawable(&self, _: &str) -> Vec<char> {
            Vec::new()
        }
    }

    #[async_trait]
    impl VideoBackend for Studio {
        fn name(&self) -> &'static str {
            "drawn"
        }

        fn repeatable(&self) -> bool {
            true
        }

        fn quote(&self, request: &RenderRequest) -> Micros {
            match request.stage {
                RenderStage::Preview => Micros::ZERO,
                RenderStage::Final => Micros(request.storyboard.frames().into()),
            }
        }

        async fn lookup(&self, _: &str) -> Result<Option<Footage>, RenderError> {
            Ok(None)
        }

        async fn render(&self, _: &RenderRequest, _: &str, _: &Shutdown) -> Result<Footage, RenderError> {
            Err(RenderError::Impossible("an estimate renders nothing".to_owned()))
        }
    }

    fn run() -> NewRun {
        let picture = StoredPicture { hash: ArtifactHash::of(b"one"), width: 1440, height: 2560 };
        let request = RunRequest {
            brief: coffee_en(),
            pictures: vec![picture],
            generations: 2,
            variants: 6,
            winners: 2,
            seed: 4,
            opportunities: 1_000,
            remarks: Vec::new(),
            people: Involvement::default(),
            revision: None,
        };
        NewRun {
            id: RunId::derive(1, "prospect", 0),
            organization: OrganizationId::derive(1, "prospect", 0),
            budget: Micros(50_000_000),
            request,
        }
    }

    fn prospect(language_model: Arc<dyn LanguageModel>) -> Prospect {
        Prospect { language_model, video: Arc::new(Studio), clips: Vec::new() }
    }

    #[tokio::test]
    async fn calls_and_prices_follow_the_order() {
        let quotes = prospect(Arc::new(Priced)).quotes(&run()).await.expect("quotes");
        let writing = &quotes.work[0];
        assert_eq!((writing.kind, writing.provider.as_str()), (WorkKind::LanguageModel, "priced"));
        // Six scripts are two calls, in each of two generations, with two rounds of rewriting.
        assert_eq!(writing.calls, Band { low: 4, expected: 4, high: 12 });
        assert_eq!(writing.quote, Micros(40), "four scripts in a call");
        let renders = &quotes.work[1];
        assert_eq!((renders.kind, renders.provider.as_str()), (WorkKind::Renders, "drawn"));
        assert_eq!(renders.calls, Band { low: 4, expected: 4, high: 12 });
        assert!(Micros(200) < renders.quote && renders.quote <= renders.highest_quote, "{renders:?}");
        assert_eq!(quotes.work.len(), 2, "the brief wishes no clips");
        assert_eq!(quotes.smallest_campaign, Micros(1_000_000));
        assert_eq!(prospect(Arc::new(Priced)).quotes(&run()).await, Ok(quotes), "and they repeat");
    }

    #[tokio::test]
    async fn the_copy_engine_is_no_paid_work() {
        let quotes = prospect(Arc::new(CopyEngine)).quotes(&run()).await.expect("quotes");
        assert!(quotes.work.iter().all(|work| work.kind != WorkKind::LanguageModel));
    }
}
