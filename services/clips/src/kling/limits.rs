//! What each model makes, and what the provider publishes as its price.
//!
//! Models come and go on the server without notice. A model that is not listed is used as the configuration
//! describes it, and refused where the configuration does not.

use spotwright_core::ports::clip_source::Ability;
use spotwright_schemas::money::Micros;

use super::options::{Dialect, Options, Resolution};
use crate::options::OptionsError;
use crate::prices::{Per, Price};

use Ability::{
    Extend, ImageToVideo, LastFrame, MotionBrush, MultiImage, MultiShot, Sound, TextToVideo, VideoReference,
};

/// Date of the list prices below.
const LIST_PRICES_OF: &str = "2026-09-20";

const FIVE_TEN: &[u32] = &[5, 10];
const THREE_TO_TEN: &[u32] = &[3, 4, 5, 6, 7, 8, 9, 10];
const THREE_TO_FIFTEEN: &[u32] = &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// What a model makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits {
    /// Lengths in whole seconds, ascending, at least one.
    pub(super) seconds: Vec<u32>,
    /// What it can do, without what does not depend on the model.
    pub(super) abilities: Vec<Ability>,
    /// Whether everything goes to the omni path.
    pub(super) omni: bool,
    /// The shortest shot of several, in seconds.
    pub(super) min_shot_seconds: u32,
    /// Whether there is a field for the camera.
    pub(super) camera: bool,
    /// Whether there is a field for how closely the prompt is followed.
    pub(super) cfg_scale: bool,
    /// Whether there is a field for several shots.
    pub(super) multi_shot_field: bool,
    /// Whether there is a field for sound.
    pub(super) sound_field: bool,
    /// The last frame only in these lengths.
    pub(super) last_frame_seconds: Vec<u32>,
    /// The last frame from this resolution on.
    pub(super) last_frame_from: Resolution,
    /// Sound from this resolution on.
    pub(super) sound_from: Resolution,
}

/// A row of the tables: model, lengths, abilities.
type Model = (&'static str, &'static [u32], &'static [Ability]);

const CURRENT: [Model; 6] = [
    ("kling-3.0-turbo", THREE_TO_FIFTEEN, &[TextToVideo, ImageToVideo, MultiShot, Sound]),
    ("kling-3.0", THREE_TO_FIFTEEN, &[TextToVideo, ImageToVideo, LastFrame, MultiShot, Sound]),
    (
        "kling-3.0-omni",
        THREE_TO_FIFTEEN,
        &[TextToVideo, ImageToVideo, LastFrame, MultiImage, VideoReference, MultiShot, Sound],
    ),
    ("kling-o1", THREE_TO_TEN, &[TextToVideo, ImageToVideo, LastFrame, MultiImage, VideoReference]),
    ("kling-2.6", FIVE_TEN, &[TextToVideo, ImageToVideo, LastFrame, Sound]),
    ("kling-2.5-turbo", FIVE_TEN, &[TextToVideo, ImageToVideo, LastFrame]),
];

const LEGACY: [Model; 12] = [
    ("kling-v1", FIVE_TEN, &[TextToVideo, ImageToVideo, LastFrame, MotionBrush, Extend]),
    ("kling-v1-5", FIVE_TEN, &[ImageToVideo, LastFrame, MotionBrush, Extend]),
    ("kling-v1-6", FIVE_TEN, &[TextToVideo, ImageToVideo, LastFrame, MultiImage, Extend]),
    ("kling-v2-master", FIVE_TEN, &[TextToVideo, ImageToVideo]),
    ("kling-v2-1-master", FIVE_TEN, &[TextToVideo, ImageToVideo]),
    ("kling-v2-1", FIVE_TEN, &[ImageToVideo, LastFrame]),
    ("kling-v2-5-turbo", FIVE_TEN, &[TextToVideo, ImageToVideo, LastFrame]),
    ("kling-v2-6", FIVE_TEN, &[TextToVideo, ImageToVideo, LastFrame, Sound]),
    ("kling-v3", THREE_TO_FIFTEEN, &[TextToVideo, ImageToVideo, LastFrame, MultiShot, Sound]),
    ("kling-v3-0", THREE_TO_FIFTEEN, &[TextToVideo, ImageToVideo, LastFrame, MultiShot, Sound]),
    ("kling-video-o1", THREE_TO_TEN, &[TextToVideo, ImageToVideo, LastFrame, MultiImage, VideoReference]),
    (
        "kling-v3-omni",
        THREE_TO_FIFTEEN,
        &[TextToVideo, ImageToVideo, LastFrame, MultiImage, VideoReference, MultiShot, Sound],
    ),
];

/// The limits of the configured model.
pub(super) fn of(options: &Options) -> Result<Limits, OptionsError> {
    let model = options.row.model.as_str();
    let table: &[Model] = match options.dialect {
        Dialect::Current => &CURRENT,
        Dialect::Legacy => &LEGACY,
    };
    let known = table.iter().find(|(name, ..)| *name == model);
    let seconds = options.seconds.clone().or_else(|| known.map(|(_, seconds, _)| seconds.to_vec()));
    let seconds = seconds.ok_or_else(|| OptionsError::Model(model.to_owned(), "seconds"))?;
    let abilities = options.abilities.clone().or_else(|| known.map(|(.., abilities)| abilities.to_vec()));
    let abilities = abilities.ok_or_else(|| OptionsError::Model(model.to_owned(), "abilities"))?;
    let is_current = options.dialect == Dialect::Current;
    let is_first = matches!(model, "kling-v1" | "kling-v1-5" | "kling-v1-6");
    let pro = match model {
        "kling-v1" | "kling-3.0" | "kling-3.0-omni" | "kling-o1" | "kling-v3" | "kling-v3-0"
        | "kling-video-o1" | "kling-v3-omni" => Resolution::P720,
        _ => Resolution::P1080,
    };
    let has_sound = abilities.contains(&Sound);
    Ok(Limits {
        last_frame_seconds: if model == "kling-v1" { vec![5] } else { seconds.clone() },
        omni: model.contains("omni") || model.contains("o1"),
        min_shot_seconds: if is_current { 1 } else { 3 },
        camera: matches!(model, "kling-v1"),
        cfg_scale: !is_current && is_first,
        multi_shot_field: abilities.contains(&MultiShot) && model != "kling-3.0-turbo",
        sound_field: has_sound && model != "kling-3.0-turbo",
        last_frame_from: pro,
        sound_from: if matches!(model, "kling-2.6" | "kling-v2-6") {
            Resolution::P1080
        } else {
            Resolution::P720
        },
        seconds,
        abilities,
    })
}

/// Cents of US dollars for one second at 720p, 1080p and 4k, where the table has them; tenths of cents.
type Tenths = [Option<i64>; 3];

/// The public list price of a model in US dollars, and its date. The billing of the legacy paths counts `std` as
/// 720p and `pro` as 1080p.
///
/// # Source
/// The vendor's page "Pricing: Video" as copied in `aself101/kling-api`, docs/api/kling-pricing-video.md.
pub(super) fn list_prices(model: &str) -> Option<(&'static str, Vec<Price>)> {
    let plain: Tenths = [Some(84), Some(112), Some(420)];
    let silent = |tenths| vec![(None, None, tenths)];
    let rows: Vec<(Option<bool>, Option<bool>, Tenths)> = match model {
        "kling-3.0-turbo" => silent([Some(112), Some(140), None]),
        "kling-3.0" | "kling-v3" | "kling-v3-0" => {
            vec![(Some(false), None, plain), (Some(true), None, [Some(126), Some(168), Some(420)])]
        }
        "kling-3.0-omni" | "kling-v3-omni" => vec![
            (None, Some(true), [Some(126), Some(168), Some(420)]),
            (Some(false), Some(false), plain),
            (Some(true), Some(false), [Some(112), Some(140), Some(420)]),
        ],
        "kling-o1" | "kling-video-o1" => vec![
            (None, Some(true), [Some(126), Some(168), None]),
            (None, Some(false), [Some(84), Some(112), None]),
        ],
        "kling-2.6" | "kling-v2-6" => {
            vec![(Some(false), None, [Some(42), Some(70), None]), (Some(true), None, [None, Some(140), None])]
        }
        "kling-2.5-turbo" | "kling-v2-5-turbo" => silent([Some(42), Some(70), None]),
        _ => return None,
    };
    let mut prices = vec![
        job_price("identify_face", Per::Job, 7),
        job_price("lip_sync", Per::FiveSeconds, 70),
        job_price("speech", Per::Job, 7),
    ];
    let resolutions = [Resolution::P720, Resolution::P1080, Resolution::K4];
    for (sound, reference_clip, tenths) in rows {
        for task in ["generate", "multi_shot"] {
            for (resolution, tenth) in resolutions.into_iter().zip(tenths) {
                prices.extend(tenth.map(|tenth| Price {
                    task: Some(task.to_owned()),
                    resolution: Some(resolution.as_str().to_owned()),
                    sound,
                    reference_clip,
                    per: Per::Second,
                    amount: Micros(tenth * 1_000),
                }));
            }
        }
    }
    Some((LIST_PRICES_OF, prices))
}

fn job_price(task: &str, per: Per, tenths: i64) -> Price {
    Price {
        task: Some(task.to_owned()),
        resolution: None,
        sound: None,
        reference_clip: None,
        per,
        amount: Micros(tenths * 1_000),
    }
}
