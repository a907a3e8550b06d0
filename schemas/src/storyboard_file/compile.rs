//! From a file with slots to one finished plan per variant and shape.

use std::collections::BTreeMap;

use super::validate::wrong;
use super::{Aspect, AssetKind, MAX_VARIANTS, Pick, PlannedGeneration, PlannedShot, Source, StoryboardFile};
use crate::error::Problem;
use crate::script::Role;
use crate::storyboard::{
    Audio, Footage, Generated, Layout, NamedReference, OverlayContent, Palette, Shot, Storyboard,
    reference_names,
};

/// Shortest time of the visible mark of AI-made content, in seconds from the start.
const LABEL_SECONDS: u32 = 2;

/// An asset or backdrop that lies in the artifact store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAsset {
    /// BLAKE3 of its bytes, hexadecimal. Of a clip: of the clip as it was made fit for the ad.
    pub hash: String,
    /// What it is.
    pub kind: AssetKind,
}

/// What the names of a file stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredAssets {
    /// Assets by name.
    pub named: BTreeMap<String, StoredAsset>,
    /// Hashes of pictures that overlays show, with their transparent parts, by the assets' names.
    pub layers: BTreeMap<String, String>,
    /// Hashes of drawn backgrounds, by the name of the background.
    pub backdrops: BTreeMap<&'static str, String>,
}

/// One variant in one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// Name of the variant.
    pub variant: String,
    /// Its shape.
    pub aspect: Aspect,
    /// The plan.
    pub storyboard: Storyboard,
}

impl StoryboardFile {
    /// The variants that the file makes, in its order; without a list every combination, named by its
    /// options.
    ///
    /// # Errors
    /// [`Code::Storyboard`](crate::error::Code::Storyboard) when there are more than 256, or one has more
    /// than 32 shots or is too long.
    pub fn variants(&self) -> Result<Vec<Pick>, Problem> {
        let picks = if self.variants.is_empty() { self.combinations()? } else { self.variants.clone() };
        for pick in &picks {
            let shots = self.shots_of(pick)?;
            if shots.len() > 32 {
                return Err(wrong(
                    "slots",
                    format!("variant `{}` has {} shots; 32 are accepted", pick.id, shots.len()),
                ));
            }
        }
        Ok(picks)
    }

    /// The plans of every variant in every shape.
    ///
    /// # Errors
    /// As [`StoryboardFile::variants`] and [`Storyboard::validate`]; an asset that is missing from
    /// `assets`, by its path.
    pub fn compile(&self, assets: &StoredAssets) -> Result<Vec<Compiled>, Problem> {
        let mut plans = Vec::new();
        for pick in self.variants()? {
            for &aspect in &self.aspects {
                let storyboard = self.plan(&pick, aspect, assets)?;
                plans.push(Compiled { variant: pick.id.clone(), aspect, storyboard });
            }
        }
        Ok(plans)
    }

    fn combinations(&self) -> Result<Vec<Pick>, Problem> {
        let number = self.slots.iter().try_fold(1_usize, |product, slot| {
            product.checked_mul(slot.options.len()).filter(|product| *product <= MAX_VARIANTS)
        });
        if number.is_none() {
            let message = format!("their combinations are more than {MAX_VARIANTS}; list `variants`");
            return Err(wrong("slots", message));
        }
        let mut picks = vec![Pick { id: String::new(), options: BTreeMap::new() }];
        for slot in &self.slots {
            let varies = slot.options.len() > 1;
            picks = picks
                .iter()
                .flat_map(|pick| {
                    slot.options.iter().map(move |option| {
                        let mut next = pick.clone();
                        if varies {
                            let joint = if next.id.is_empty() { "" } else { "-" };
                            next.id.push_str(joint);
                            next.id.push_str(&option.id);
                            next.options.insert(slot.slot.clone(), option.id.clone());
                        }
                        next
                    })
                })
                .collect();
        }
        for pick in &mut picks {
            if pick.id.is_empty() {
                pick.id.clone_from(&self.id);
            }
        }
        Ok(picks)
    }

    /// The shots that a variant shows, each with its path in the file.
    pub(super) fn shots_of(&self, pick: &Pick) -> Result<Vec<(String, &PlannedShot)>, Problem> {
        let mut shots = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            let wanted = pick.options.get(&slot.slot);
            let found = slot
                .options
                .iter()
                .enumerate()
                .find(|(idx, option)| wanted.map_or(*idx == 0, |wanted| option.id == *wanted));
            let Some((which, option)) = found else {
                return Err(wrong(
                    format!("slots[{at}]"),
                    format!("variant `{}` picks an option that is not there", pick.id),
                ));
            };
            for (idx, shot) in option.shots.iter().enumerate() {
                shots.push((format!("slots[{at}].options[{which}].shots[{idx}]"), shot));
            }
        }
        Ok(shots)
    }

    fn plan(&self, pick: &Pick, aspect: Aspect, assets: &StoredAssets) -> Result<Storyboard, Problem> {
        let planned = self.shots_of(pick)?;
        let last = planned.len().saturating_sub(1);
        let mut shots = Vec::with_capacity(planned.len());
        let mut labelled = 0;
        for (idx, (field, shot)) in planned.iter().enumerate() {
            let ends = idx == 0 || idx == last;
            let mut made = Self::shot(field, shot, assets)?;
            if shot.show_brand.unwrap_or(ends) {
                made.brand.clone_from(&self.brand_kit.name);
            }
            // On the first shot, and on as many more as the shortest time of the label takes.
            made.ai_label = self.compliance.ai_label && (idx == 0 || labelled < LABEL_SECONDS * self.fps);
            labelled = labelled.saturating_add(shot.frames);
            if idx == last {
                made.disclaimer.clone_from(&self.compliance.disclaimer);
            }
            made.check_extras(field)?;
            shots.push(made);
        }
        let names = [&self.brand_kit.product, &self.brand_kit.name];
        let board = Storyboard {
            locale: self.locale,
            size: aspect.size(),
            fps: self.fps,
            palette: Palette { primary: self.brand_kit.primary, accent: self.brand_kit.accent },
            style: self.style,
            packshots: self.packshots,
            placement: self.placement,
            names: names.into_iter().filter(|name| !name.is_empty()).cloned().collect(),
            shots,
            audio: Audio {
                seed: self.audio.seed,
                tempo: self.audio.tempo,
                loudness_lufs: self.audio.loudness_lufs,
            },
        };
        board.validate()?;
        Ok(board)
    }

    fn shot(field: &str, shot: &PlannedShot, assets: &StoredAssets) -> Result<Shot, Problem> {
        let stored = |part: &str, name: &str| {
            let found = assets.named.get(name).map(|asset| asset.hash.clone());
            found.ok_or_else(|| wrong(format!("{field}.{part}"), format!("asset `{name}` is not stored")))
        };
        let (picture, footage) = match &shot.source {
            Source::Still { asset } => (stored("source.asset", asset)?, None),
            Source::Clip { asset, start_frame, poster } => {
                let clip = Footage::Clip {
                    clip: stored("source.asset", asset)?,
                    start_frame: *start_frame,
                    product: Vec::new(),
                };
                (stored("source.poster", poster)?, Some(clip))
            }
            Source::Generated(wanted) => {
                let generated = generated(wanted, assets, &stored)?;
                (stored("source.fall_back", &wanted.fall_back)?, Some(Footage::Generated(generated)))
            }
            Source::Template { name } => {
                let found = assets.backdrops.get(name.as_str()).cloned();
                let missing = || wrong(format!("{field}.source.name"), "the background was not drawn");
                (found.ok_or_else(missing)?, None)
            }
        };
        let mut overlays = shot.overlays.clone();
        for (idx, overlay) in overlays.iter_mut().enumerate() {
            if let OverlayContent::Image { picture, .. } = &mut overlay.shows {
                let missing = || {
                    let message = format!("asset `{picture}` is not stored as a layer");
                    wrong(format!("{field}.overlays[{idx}].shows.picture"), message)
                };
                *picture = assets.layers.get(picture).cloned().ok_or_else(missing)?;
            }
        }
        let layout =
            shot.layout.unwrap_or(if shot.role == Role::Cta { Layout::EndCard } else { Layout::FullBleed });
        Ok(Shot {
            role: shot.role,
            frames: shot.frames,
            layout,
            picture,
            footage,
            motion: shot.motion,
            caption: shot.caption.clone(),
            detail: shot.detail.clone(),
            caption_motion: shot.caption_motion,
            button: shot.button.clone(),
            brand: String::new(),
            disclaimer: String::new(),
            ai_label: false,
            overlays,
            voice: None,
        })
    }
}

fn generated(
    wanted: &PlannedGeneration,
    assets: &StoredAssets,
    stored: &impl Fn(&str, &str) -> Result<String, Problem>,
) -> Result<Generated, Problem> {
    let mut references = Vec::new();
    for name in reference_names(&wanted.prompt) {
        let artifact = stored("source.prompt", name)?;
        let is_clip = assets.named.get(name).is_some_and(|asset| asset.kind == AssetKind::Clip);
        references.push(NamedReference { name: name.to_owned(), artifact, is_clip });
    }
    let frame = |part: &str, name: Option<&String>| name.map(|name| stored(part, name)).transpose();
    Ok(Generated {
        prompt: wanted.prompt.clone(),
        negative_prompt: wanted.negative_prompt.clone(),
        references,
        first_frame: frame("source.first_frame", wanted.first_frame.as_ref())?,
        last_frame: frame("source.last_frame", wanted.last_frame.as_ref())?,
        seed: wanted.seed,
        shows_product: wanted.shows_product,
    })
}
