//! Instant stand-ins for rendering, scoring and the market.
//!
//! They exist to measure the spine alone and to crash it thousands of times: nothing is drawn,
//! predicted or auctioned here, and every name they report says `stand-in`. What they charge and
//! accept can be written to an append-only [`Witness`] that survives the process, so that a double
//! charge cannot hide in our own database.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, ProposedLine, ProposedScript, ProposedScripts, ScriptRequest,
};
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::marketplace::{
    Campaign, CampaignCreative, CreativeDelivery, Held, HoldSpan, MarketError, MarketReport, Marketplace,
    PlacementDecision, RungResult,
};
use spotwright_core::ports::quality_gate::{GateError, Inspection, QualityGate};
use spotwright_core::ports::video_backend::{
    Footage, FrameStatistics, GateCheck, GateReport, RenderError, RenderRequest, VideoBackend,
};
use spotwright_core::spine::Shutdown;
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_schemas::brief::FactKind;
use spotwright_schemas::event::{FeedbackSource, RenderStage};
use spotwright_schemas::explanation::{Contribution, Explanation};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::{Delivery, Score};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::Role;

/// An append-only log of what a provider outside of us has done: `kind<TAB>reference<TAB>micros`.
#[derive(Debug)]
pub struct Witness {
    path: PathBuf,
    file: Mutex<File>,
}

impl Witness {
    /// Opens the log, which may have entries already.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { path: path.to_path_buf(), file: Mutex::new(file) })
    }

    /// Writes an entry and waits until it is durable.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&self, kind: &str, reference: &str, micros: i64) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write call: a line is there whole or not at all.
        file.write_all(format!("{kind}\t{reference}\t{micros}\n").as_bytes())?;
        file.sync_data()
    }

    /// Whether there is an entry of this kind about this reference.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn holds(&self, kind: &str, reference: &str) -> std::io::Result<bool> {
        let entries = self.entries()?;
        Ok(entries.iter().any(|(its_kind, about, _)| its_kind == kind && about == reference))
    }

    /// All entries: kind, reference, micros.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entries(&self) -> std::io::Result<Vec<(String, String, i64)>> {
        let mut entries = Vec::new();
        for line in BufReader::new(File::open(&self.path)?).lines() {
            let line = line?;
            let mut parts = line.split('\t');
            if let (Some(kind), Some(reference), Some(micros)) = (parts.next(), parts.next(), parts.next()) {
                entries.push((kind.to_owned(), reference.to_owned(), micros.parse().unwrap_or(-1)));
            }
        }
        Ok(entries)
    }
}

/// A video backend that stores a few bytes in place of a video.
#[derive(Clone)]
pub struct StandInVideo {
    /// Where the bytes go; without a store only their hash is reported.
    pub artifacts: Option<Arc<dyn ArtifactStore>>,
    /// Told of every charged render.
    pub witness: Option<Arc<Witness>>,
    /// Price of a final render.
    pub price: Micros,
}

/// The bytes that stand for the video of a request.
fn stand_in_bytes(request: &RenderRequest) -> Result<Vec<u8>, String> {
    serde_json::to_vec(request).map_err(|error| error.to_string())
}

impl StandInVideo {
    fn footage(&self, request: &RenderRequest, charged: Micros) -> Result<Footage, RenderError> {
        let bytes = stand_in_bytes(request).map_err(RenderError::Impossible)?;
        let artifact = match &self.artifacts {
            Some(store) => store.put(&bytes).map_err(|error| {
                let told = error.to_string();
                if error.no_room() { RenderError::NoRoom(told) } else { RenderError::Unavailable(told) }
            })?,
            None => ArtifactHash::of(&bytes),
        };
        Ok(Footage {
            poster: Some(artifact.clone()),
            statistics: Some(FrameStatistics::default()),
            artifact,
            frames: request.storyboard.frames(),
            bytes: bytes.len() as u64,
            cost: charged,
        })
    }
}

impl Letters for StandInVideo {
    /// Nothing is drawn, so nothing is missing.
    fn undrawable(&self, _: &str) -> Vec<char> {
        Vec::new()
    }
}

/// A quality gate for what [`StandInVideo`] makes: it passes the bytes of the request and nothing else.
#[derive(Clone, Default)]
pub struct StandInGate {
    /// Where the bytes are read from; without a store only the hash is compared.
    pub artifacts: Option<Arc<dyn ArtifactStore>>,
}

#[async_trait]
impl QualityGate for StandInGate {
    async fn inspect(&self, video: &ArtifactHash, request: &RenderRequest) -> Result<Inspection, GateError> {
        let wanted = stand_in_bytes(request).map_err(GateError::Impossible)?;
        let stored = match &self.artifacts {
            Some(store) => store.get(video).map_err(|error| match error {
                ArtifactError::Io(error) => GateError::Unavailable(error.to_string()),
                gone => GateError::Impossible(gone.to_string()),
            })?,
            None => wanted.clone(),
        };
        let same = stored == wanted && ArtifactHash::of(&wanted) == *video;
        let check = GateCheck {
            id: "stand_in_bytes".to_owned(),
            pass: same,
            value: video.to_string(),
            limit: ArtifactHash::of(&wanted).to_string(),
        };
        Ok(Inspection {
            report: GateReport::of(vec![check]),
            statistics: FrameStatistics::default(),
            poster: Some(video.clone()),
            bytes: stored.len() as u64,
        })
    }
}

#[async_trait]
impl VideoBackend for StandInVideo {
    fn name(&self) -> &str {
        "stand-in"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, request: &RenderRequest) -> Micros {
        if request.stage == RenderStage::Final { self.price } else { Micros::ZERO }
    }

    async fn lookup(&self, idempotency_key: &str) -> Result<Option<Footage>, RenderError> {
        let Some(witness) = &self.witness else { return Ok(None) };
        let unavailable = |error: std::io::Error| RenderError::Unavailable(error.to_string());
        let folder = witness.path.with_extension("jobs");
        match std::fs::read(folder.join(idempotency_key)) {
            Ok(bytes) => {
                let footage: Footage = serde_json::from_slice(&bytes)
                    .map_err(|error| RenderError::Impossible(error.to_string()))?;
                // The provider was ended between its record and its bill. Its books are its own
                // business: it bills the job once it looks at it again.
                if !witness.holds("gpu_billed", idempotency_key).map_err(unavailable)? {
                    witness.note("gpu_billed", idempotency_key, footage.cost.0).map_err(unavailable)?;
                }
                Ok(Some(footage))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn render(
        &self,
        request: &RenderRequest,
        idempotency_key: &str,
        _: &Shutdown,
    ) -> Result<Footage, RenderError> {
        let charged = self.quote(request);
        let footage = self.footage(request, charged)?;
        if let (Some(witness), true) = (&self.witness, charged > Micros::ZERO) {
            let unavailable = |error: std::io::Error| RenderError::Unavailable(error.to_string());
            // The provider's own record of the job comes first, then its bill: a job that is billed
            // can always be looked up.
            let folder = witness.path.with_extension("jobs");
            std::fs::create_dir_all(&folder).map_err(unavailable)?;
            let record = serde_json::to_vec(&footage).unwrap_or_default();
            let temporary = folder.join(format!("{idempotency_key}.part"));
            std::fs::write(&temporary, record).map_err(unavailable)?;
            std::fs::rename(&temporary, folder.join(idempotency_key)).map_err(unavailable)?;
            witness.note("gpu_billed", idempotency_key, charged.0).map_err(unavailable)?;
        }
        Ok(footage)
    }
}

/// A click model whose scores follow from the hash of the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandInClickModel;

impl ClickModel for StandInClickModel {
    fn id(&self) -> String {
        "stand-in".to_owned()
    }

    fn description(&self) -> String {
        "a stand-in: numbers derived from a hash, without any meaning".to_owned()
    }

    fn score(&self, inputs: &[ScoreInput], _: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        Ok(inputs
            .iter()
            .map(|input| {
                let share = f64::from(blake3::hash(input.text.as_bytes()).as_bytes()[0]) / 255.0;
                let predicted_ctr = 0.01 + 0.01 * share;
                Score {
                    appeal: share - 0.5,
                    appeal_sd: 0.1,
                    level: -4.2,
                    predicted_ctr,
                    interval: [predicted_ctr * 0.5, predicted_ctr * 1.5],
                    model: self.id(),
                }
            })
            .collect())
    }

    /// The hash is the only feature; nothing else is known and no clicks would change it.
    fn explain(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError> {
        let alone: Vec<ScoreInput> = inputs.iter().map(|shown| shown.input.clone()).collect();
        let explained = self.score(&alone, history)?.into_iter().map(|score| {
            let log_odds = (score.predicted_ctr / (1.0 - score.predicted_ctr)).ln();
            Explanation {
                score,
                contributions: vec![Contribution { feature: "text.hash".to_owned(), log_odds }],
                phrases: Vec::new(),
                nearest: Vec::new(),
                outlooks: Vec::new(),
                separation: None,
            }
        });
        Ok(explained.collect())
    }
}

/// The copy engine behind a price, as a provider that bills every completion it is asked for.
#[derive(Clone)]
pub struct StandInWriter {
    /// Told of every charged completion.
    pub witness: Arc<Witness>,
    /// Price of a completion.
    pub price: Micros,
}

#[async_trait]
impl LanguageModel for StandInWriter {
    fn provider(&self) -> &str {
        "stand-in"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        self.price
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let scripts = CopyEngine.write(request, idempotency_key).await?;
        self.witness
            .note("llm_billed", idempotency_key, self.price.0)
            .map_err(|error| LanguageModelError::Unavailable(error.to_string()))?;
        Ok(ProposedScripts { cost: self.price, ..scripts })
    }
}

/// A writer that never runs out of scripts: made-up words around the product's name, by seed, and the price
/// of the facts at the end.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandInWords;

#[async_trait]
impl LanguageModel for StandInWords {
    fn provider(&self) -> &str {
        "stand-in"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &ScriptRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let stream = Stream::new(request.seed, idempotency_key);
        let brief = request.brief;
        let name = brief.spoken_name();
        let price = brief.product.facts.iter().find(|fact| fact.kind == FactKind::Price);
        let scripts = request.wishes.iter().enumerate().map(|(wish, wanted)| {
            let said = |at: u64| {
                format!("{} {}", word(stream.child(2 * at), wish), word(stream.child(2 * at + 1), wish))
            };
            let line = |role: Role, caption: String| ProposedLine {
                role,
                caption,
                detail: String::new(),
                voice: String::new(),
                picture: String::new(),
                rests_on: Vec::new(),
            };
            let mut close = line(Role::Cta, price.map_or(name, |fact| fact.text.as_str()).to_owned());
            close.rests_on = price.map(|fact| fact.id.clone()).into_iter().collect();
            let opening = format!("Good {}", said(0));
            ProposedScript {
                wish,
                structure: wanted.structure,
                idea: String::new(),
                learned_from: None,
                primary_text: format!("{name}: {opening}"),
                lines: vec![
                    line(Role::Hook, opening),
                    line(Role::Body, format!("{name} {}", said(1))),
                    line(Role::Body, format!("More {}", said(2))),
                    close,
                ],
                model: "stand-in".to_owned(),
            }
        });
        Ok(ProposedScripts {
            scripts: scripts.collect(),
            refused: Vec::new(),
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros::ZERO,
        })
    }
}

/// A made-up word of four syllables.
fn word(stream: Stream, number: usize) -> String {
    let draws = stream.child(number as u64);
    let syllable = |at: u64| {
        let consonant = b"bdfgklmnprstvz"[draws.below(2 * at, 14)];
        let vowel = b"aeiou"[draws.below(2 * at + 1, 5)];
        [char::from(consonant), char::from(vowel)]
    };
    (0..4).flat_map(syllable).collect()
}

/// A market in which every creative gets 1,000 impressions and clicks by the hash of its words.
///
/// It takes a placement once: a campaign that is played again with the same placements is not
/// noted again. The same variant under a second placement is, as any market would take it.
#[derive(Clone, Default)]
pub struct StandInMarket {
    /// Told of every placement that is taken: `market_accept`, `<variant>/g<generation>@<placement>`.
    pub witness: Option<Arc<Witness>>,
}

impl StandInMarket {
    fn accept(witness: &Witness, campaign: &Campaign) -> std::io::Result<()> {
        for creative in &campaign.creatives {
            let reference = format!("{}/g{}@{}", creative.variant, campaign.generation, creative.placement);
            if !witness.holds("market_accept", &reference)? {
                witness.note("market_accept", &reference, campaign.budget.0)?;
            }
        }
        Ok(())
    }
}

/// The row of an advertisement that was held all the time.
fn unseen(creative: &CampaignCreative) -> CreativeDelivery {
    CreativeDelivery {
        placement: creative.placement,
        variant: creative.variant,
        delivery: Delivery::default(),
        segments: Vec::new(),
        ladder: Vec::new(),
        frequency: 0.0,
        fatigued: false,
        auctions: 0,
        won: 0,
    }
}

impl Marketplace for StandInMarket {
    fn play_held(&self, campaign: &Campaign, held: &Held) -> Result<MarketReport, MarketError> {
        let n_creatives = campaign.creatives.len() as i64;
        if n_creatives == 0 {
            return Err(MarketError::Refused("no creatives".to_owned()));
        }
        if let Some(witness) = &self.witness {
            Self::accept(witness, campaign).map_err(|error| MarketError::Refused(error.to_string()))?;
        }
        let spend = Micros(campaign.budget.0 / n_creatives / 2);
        let (hour, mut holds) = (24.0 * (f64::from(campaign.generation) - 1.0), Vec::new());
        let bits = held.at(campaign, hour);
        let creatives = campaign
            .creatives
            .iter()
            .enumerate()
            .map(|(place, creative)| {
                if (bits >> place) & 1 == 1 {
                    let placement = creative.placement;
                    holds.push(HoldSpan { placement, from_hour: hour, until_hour: None });
                    return unseen(creative);
                }
                let clicks =
                    5 + u64::from(blake3::hash(creative.script.full_text().as_bytes()).as_bytes()[0]) % 20;
                CreativeDelivery {
                    placement: creative.placement,
                    variant: creative.variant,
                    delivery: Delivery { impressions: 1_000, clicks, conversions: clicks / 10, spend },
                    segments: Vec::new(),
                    ladder: vec![RungResult {
                        rung: 1_000,
                        impressions: 1_000,
                        clicks,
                        probability: 0.5,
                        decision: "held".to_owned(),
                    }],
                    frequency: 1.0,
                    fatigued: clicks > 20,
                    auctions: 2_000,
                    won: 1_000,
                }
            })
            .collect();
        Ok(MarketReport {
            source: FeedbackSource::Simulated,
            marketplace: "stand-in".to_owned(),
            audience: String::new(),
            auctions: 0,
            won: 0,
            competitors: 0,
            mean_cpm: Micros::ZERO,
            budget: campaign.budget,
            creatives,
            holds,
            course: None,
        })
    }

    /// Nothing is chosen: every creative is shown equally often, all the time.
    fn decisions(&self, campaign: &Campaign, held: &Held) -> Result<Vec<PlacementDecision>, MarketError> {
        let rows = self.play_held(campaign, held)?.creatives;
        Ok(rows
            .into_iter()
            .map(|row| PlacementDecision {
                placement: row.placement,
                variant: row.variant,
                hour: 24.0 * (f64::from(campaign.generation) - 1.0),
                propensity: 1.0,
                chosen: row.delivery.impressions,
                impressions: row.delivery.impressions,
                clicks: row.delivery.clicks,
            })
            .collect())
    }
}
