//! What a brief asks to be shown is shown, or the person is told: before the run where it can be
//! known, at its end where it cannot.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::letters::Letters;
use spotwright_core::ports::video_backend::{Footage, RenderError, RenderRequest, VideoBackend};
use spotwright_core::spine::{NoCheckpoints, Shutdown};
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_schemas::Problem;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::money::Micros;
use spotwright_server::brief_file::{self, LoadedBrief};
use spotwright_server::cli::RunArguments;
use spotwright_server::commands::run::{self, Summary};
use spotwright_server::standins::{StandInClickModel, StandInGate, StandInMarket, StandInVideo};
use spotwright_server::wiring::World;
use tempfile::TempDir;

mod common;

fn load(path: &Path) -> Result<LoadedBrief, Problem> {
    brief_file::load(path, &common::config())
}

/// A brief in a folder with pictures `cup.png` and whatever `pictures` names further.
fn brief(folder: &Path, edit: impl Fn(&str) -> String) -> PathBuf {
    let photo = RgbImage::from_fn(600, 400, |x, y| {
        let wave = ((f64::from(x) * 0.05).sin() * (f64::from(y) * 0.04).cos() * 60.0) as i32;
        Rgb([(150 + wave) as u8, (100 + wave) as u8, (80 - wave / 2) as u8])
    });
    photo.save(folder.join("cup.png")).expect("writes");
    let text = r##"format: spotwright.brief.v1
id: lamp
locale: en-US
brand: { name: "Low Light", colors: { primary: "#22313F", accent: "#F2B544" } }
product:
  name: "Dusk Lamp"
  category: "lamp"
  facts:
    - { id: glare, kind: problem, text: "Screens that glare at night" }
    - { id: warm, kind: benefit, text: "Warm light without flicker", evidence: { source: "lab sheet 3" } }
    - { id: dim, kind: feature, text: "Dims with one turn", evidence: { source: "drawing 8" } }
    - { id: price, kind: price, text: "$39 with the shade", evidence: { source: "price list" } }
    - { id: back, kind: offer, text: "Free returns for 30 days", evidence: { source: "shop terms" } }
  pictures:
    - { file: "cup.png", alt: "the lamp" }
audience: { description: "people who read at night" }
objective: clicks
budget: { total: "60.00", currency: USD }
destination_url: "https://shop.example.com/lamp"
call_to_action: shop_now
placements: [simulated_feed]
disclaimer: "While stock lasts"
"##;
    let path = folder.join("brief.yaml");
    fs::write(&path, edit(text)).expect("writes");
    path
}

#[test]
fn characters_without_a_glyph_are_refused_wherever_they_could_be_shown() {
    let folder = TempDir::new().expect("a folder");
    for (from, to, field) in [
        ("Low Light", "Low ᚠ Light", "brand.name"),
        ("Dusk Lamp", "Dusk ᚠ Lamp", "product.name"),
        ("category: \"lamp\"", "category: \"ᚠ lamp\"", "product.category"),
        ("Dims with one turn", "Dims with ᚠ turn", "product.facts[2].text"),
        ("While stock lasts", "While ᚠ lasts", "disclaimer"),
    ] {
        let path = brief(folder.path(), |text| text.replace(from, to));
        let problem = load(&path).expect_err("refused");
        assert_eq!((problem.code.as_str(), problem.field.as_str()), ("SW0115", field));
        assert!(problem.message.contains("U+16A0"), "{problem}");
    }
    let loaded = load(&brief(folder.path(), str::to_owned)).expect("accepted");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn one_text_is_one_text_however_its_letters_were_typed() {
    let folder = TempDir::new().expect("a folder");
    let composed = brief(folder.path(), |text| text.replace("Low Light", "Lumière Été"));
    let composed = load(&composed).expect("accepted").brief;
    let decomposed =
        brief(folder.path(), |text| text.replace("Low Light", "Lumie\u{300}re E\u{301}te\u{301}"));
    assert_eq!(load(&decomposed).expect("accepted").brief, composed);
}

#[test]
fn pictures_that_cannot_be_used_are_left_out_as_long_as_one_can() {
    let folder = TempDir::new().expect("a folder");
    RgbImage::from_pixel(300, 300, Rgb([250, 250, 250]))
        .save(folder.path().join("flat.png"))
        .expect("writes");
    RgbImage::from_fn(4_000, 80, |x, _| Rgb([(x % 200) as u8, 80, 40]))
        .save(folder.path().join("strip.png"))
        .expect("writes");
    RgbaImage::from_fn(300, 200, |x, _| Rgba([255, 255, 255, if (100..200).contains(&x) { 255 } else { 0 }]))
        .save(folder.path().join("logo.png"))
        .expect("writes");
    let also = |names: &[&str]| {
        let rows = names.iter().fold(String::new(), |rows, name| {
            rows + "    - { file: \"" + name + "\", alt: \"a picture\" }\n"
        });
        brief(folder.path(), |text| text.replace("audience:", &format!("{rows}audience:")))
    };
    let loaded = load(&also(&["flat.png", "strip.png", "logo.png"])).expect("accepted");
    assert_eq!(loaded.pictures.len(), 2, "the photo and the logo on a dark ground");
    let told: Vec<(&str, &str)> =
        loaded.warnings.iter().map(|warning| (warning.code.as_str(), warning.field.as_str())).collect();
    assert_eq!(
        told,
        [
            ("SW0205", "product.pictures[1].file"),
            ("SW0205", "product.pictures[2].file"),
            ("SW0206", "product.pictures[3].file")
        ]
    );
    let only = brief(folder.path(), |text| text.replace("cup.png", "flat.png"));
    let problem = load(&only).expect_err("refused");
    assert_eq!((problem.code.as_str(), problem.field.as_str()), ("SW0205", "product.pictures"));
}

/// A backend that makes previews, and finals as long as its patience lasts.
struct Impatient {
    inner: StandInVideo,
    finals: AtomicU32,
}

impl Letters for Impatient {
    fn undrawable(&self, text: &str) -> Vec<char> {
        self.inner.undrawable(text)
    }
}

#[async_trait]
impl VideoBackend for Impatient {
    fn name(&self) -> &str {
        "impatient"
    }

    fn repeatable(&self) -> bool {
        false
    }

    fn quote(&self, request: &RenderRequest) -> Micros {
        self.inner.quote(request)
    }

    async fn lookup(&self, key: &str) -> Result<Option<Footage>, RenderError> {
        self.inner.lookup(key).await
    }

    async fn render(
        &self,
        request: &RenderRequest,
        key: &str,
        stop: &Shutdown,
    ) -> Result<Footage, RenderError> {
        if request.stage == RenderStage::Final && self.finals.fetch_add(1, Ordering::SeqCst) > 0 {
            return Err(RenderError::Impossible("SW0602 shots[0].caption: the lens is cracked".to_owned()));
        }
        self.inner.render(request, key, stop).await
    }
}

async fn run(brief: PathBuf, out: &Path) -> Summary {
    let arguments = RunArguments {
        brief: Some(brief),
        out: Some(out.to_path_buf()),
        generations: Some(1),
        variants: Some(4),
        winners: Some(3),
        seed: 7,
        threads: Some(1),
        ..RunArguments::default()
    };
    let config = common::config();
    run::execute_in(&arguments, &config, Arc::new(NoCheckpoints), |workspace| {
        let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
        let gate = StandInGate { artifacts: Some(Arc::clone(&artifacts)) };
        let inner = StandInVideo { artifacts: Some(artifacts), witness: None, price: Micros(20_000) };
        Ok(World {
            language_model: Arc::new(CopyEngine),
            video: Arc::new(Impatient { inner, finals: AtomicU32::new(0) }),
            studio: None,
            gate: Arc::new(gate),
            click_model: Arc::new(StandInClickModel),
            marketplace: Arc::new(StandInMarket::default()),
            footage: None,
            voice: None,
            notices: Vec::new(),
        })
    })
    .await
    .expect("the run ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fewer_winners_than_asked_for_are_told_with_stage_and_first_reason() {
    let folder = TempDir::new().expect("a folder");
    RgbImage::from_pixel(300, 300, Rgb([250, 250, 250]))
        .save(folder.path().join("flat.png"))
        .expect("writes");
    let path = brief(folder.path(), |text| {
        // Enough to say for three scripts that are not alike.
        let told = ["40 hours on one charge", "Weighs 180 g", "Shade of blown glass"];
        let facts = told.iter().enumerate().map(|(idx, told)| {
            format!("    - {{ id: more{idx}, kind: feature, text: \"{told}\", evidence: {{ source: \"drawing 9\" }} }}\n")
        });
        let facts: String = facts.collect();
        text.replace("    - { id: price", &format!("{facts}    - {{ id: price"))
            .replace("audience:", "    - { file: \"flat.png\", alt: \"nothing\" }\naudience:")
    });
    let out = folder.path().join("out");
    let summary = run(path, &out).await;
    assert_eq!(summary.winners.len(), 1);
    let lost = summary.notices.iter().find(|notice| notice.contains("1 of the 3 winners")).expect("a notice");
    assert!(
        lost.contains("final video could not be made") || lost.contains("final videos could not be made"),
        "{lost}"
    );
    assert!(lost.contains("caption: the lens is cracked."), "{lost}");
    assert!(summary.notices.iter().any(|notice| notice.contains("`flat.png` is left out")), "{summary:?}");
    let report = fs::read_to_string(out.join("report.html")).expect("a report");
    for told in ["1 of the 3 winners", "the lens is cracked", "flat.png"] {
        assert!(report.contains(told), "{told}");
    }
}
