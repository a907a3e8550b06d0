//! The main job on a brief that asks for generated shots: the real agent, studio and gate, and a provider
//! that plays each server in turn.

use std::path::Path;
use std::sync::Arc;

use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::step_store::StepStore as _;
use spotwright_core::spine::NoCheckpoints;
use spotwright_fake_video::{FakeProvider, mark, recognize};
use spotwright_media::{Sink, VideoView, decode};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::Footage;
use spotwright_server::cli::RunArguments;
use spotwright_server::commands::run::{self, Summary};
use spotwright_server::config::Config;
use spotwright_server::wiring::STATE_FOLDER;
use spotwright_store::sqlite::SqliteStore;

use crate::server::Server;
use crate::settings;

/// Runs the job in `folder`.
async fn job(folder: &Path, server: Server, provider: &FakeProvider, generated: &str) -> Summary {
    drop(rustls::crypto::ring::default_provider().install_default());
    let file = settings::file(folder, server, provider.base_url());
    let mut config = Config::load(Some(&file)).unwrap();
    // A test is no program that could read foreign files in a cage.
    env!("CARGO_BIN_EXE_spotwright-fault-child").clone_into(&mut config.sandbox.program);
    config.voice.enabled = false;
    let arguments = RunArguments {
        brief: Some(settings::brief(folder, generated)),
        out: Some(folder.join("out")),
        generations: Some(1),
        variants: Some(2),
        winners: Some(1),
        seed: 3,
        ..RunArguments::default()
    };
    let checkpoints = Arc::new(NoCheckpoints);
    run::execute_in(&arguments, &config, checkpoints, |workspace| workspace.world(&config)).await.unwrap()
}

/// The variants of the run in `folder`.
async fn variants(folder: &Path) -> Vec<Variant> {
    let database = folder.join("out").join(STATE_FOLDER).join("spotwright.sqlite");
    let store = SqliteStore::open(&database).await.unwrap();
    let run = store.runs().await.unwrap()[0];
    assert_eq!(store.broken_invariants().await.unwrap(), Vec::<String>::new());
    store.variants(run).await.unwrap()
}

/// The color of every frame at its left edge, below the header and its shade and above those of captions:
/// what is seen there is the clip and nothing else.
#[derive(Default)]
struct Edges(Vec<[u8; 3]>);

/// That place, in hundredths of width and height.
const EDGE: [std::ops::Range<usize>; 2] = [2..10, 31..39];

impl Sink for Edges {
    fn picture(&mut self, view: &VideoView<'_>) {
        let mean = |idx: usize, divisor: usize| {
            let (data, stride) = view.planes[idx];
            let part = |side: usize, range: &std::ops::Range<usize>| {
                side * range.start / 100 / divisor..side * range.end / 100 / divisor
            };
            let [across, down] = [part(view.width, &EDGE[0]), part(view.height, &EDGE[1])];
            let rows = down.flat_map(|y| across.clone().map(move |x| (x, y)));
            let (sum, count) = rows.fold((0.0, 0.0), |(sum, count), (x, y)| {
                (sum + f64::from(data[y * stride + x]), count + 1.0)
            });
            sum / f64::max(count, 1.0)
        };
        let (luma, blue, red) = ((mean(0, 1) - 16.0) * 1.164, mean(1, 2) - 128.0, mean(2, 2) - 128.0);
        let pixel = [luma + 1.793 * red, luma - 0.213 * blue - 0.533 * red, luma + 2.112 * blue];
        self.0.push(pixel.map(|part: f64| part.round().clamp(0.0, 255.0) as u8));
    }

    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

/// Looks at every frame of a winner: its generated shots show the clips that were made for them.
fn look(file: &Path, variant: &Variant, provider: &FakeProvider) {
    let mut edges = Edges::default();
    decode(file, &mut edges).unwrap();
    let board = &variant.body.storyboard;
    assert_eq!(edges.0.len(), board.frames() as usize);
    let log = provider.log();
    let made: Vec<(&str, u64)> = log.generations.iter().map(|one| (one.prompt.as_str(), one.seed)).collect();
    let mut begin = 0;
    for shot in &board.shots {
        let end = begin + shot.frames as usize;
        if let Some(Footage::Clip { product, .. }) = &shot.footage
            && product.is_empty()
        {
            // Transitions mix the first and last frames; all between are the clip's alone.
            let inner = &edges.0[begin + 12..end - 12];
            let shown: Vec<_> = inner.iter().map(|seen| recognize(*seen, &made)).collect();
            assert!(shown.iter().all(|one| *one == shown[0]), "one clip throughout");
            let (prompt, seed) = shown[0].unwrap();
            let own = mark(prompt, seed);
            let far =
                |seen: &[u8; 3]| own.iter().zip(seen).map(|(one, other)| one.abs_diff(*other)).max().unwrap();
            let furthest = inner.iter().map(far).max().unwrap();
            assert!(
                furthest < 40,
                "{furthest} of 255 away from the clip's own mark, {own:?}: {:?}",
                inner[0]
            );
        }
        begin = end;
    }
}

async fn ads_pass_the_gate(server: Server, generated: &str) {
    let folder = tempfile::tempdir().unwrap();
    let provider = FakeProvider::start(settings::provider(server)).await.unwrap();
    let summary = job(folder.path(), server, &provider, generated).await;
    assert!(summary.succeeded(), "{server:?}: {summary:?}");
    let told = summary.generated_shots.as_ref().expect("shots were asked for");
    assert!(told.report.made > 0 && told.report.made == told.report.asked, "{server:?}: {told:?}");
    assert_eq!(told.report.makers.len(), 1, "{server:?}");
    assert_eq!(told.report.makers[0].source, server.name());
    // What was spent is what the provider charged, and nothing was made twice.
    assert_eq!(told.report.cost, provider.bill(Currency::USD), "{server:?}");
    assert!(told.report.cost > Micros::ZERO, "{server:?}");
    assert_eq!(provider.duplicates(), Vec::<String>::new(), "{server:?}");
    assert_eq!(provider.log().generations.len(), told.report.asked as usize, "{server:?}");
    let won: Vec<Variant> = variants(folder.path()).await;
    let won: Vec<&Variant> = won.iter().filter(|variant| variant.state == VariantState::Won).collect();
    assert_eq!(won.len(), summary.winners.len());
    for (variant, winner) in won.into_iter().zip(&summary.winners) {
        let clips = variant.body.storyboard.shots.iter().filter(|shot| shot.footage.is_some()).count();
        let studio = variant.body.storyboard.shots.len() - clips;
        assert!(clips > 0 && studio > 0, "{server:?}: {clips} generated and {studio} studio shots");
        let gate = variant.body.final_render.as_ref().and_then(|render| render.gate.as_ref()).unwrap();
        assert!(gate.passes(), "{server:?}: {gate:?}");
        look(&summary.out.join(&winner.file), variant, &provider);
    }
    let page = std::fs::read_to_string(summary.out.join("report.html")).unwrap();
    assert!(page.contains(server.name()) && page.contains("Generated shots"), "{server:?}");
    assert!(summary.notices.iter().any(|told| told.contains("generated")), "{:?}", summary.notices);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_and_studio_shots_stand_side_by_side_and_pass_the_gate() {
    ads_pass_the_gate(Server::KlingCurrent, "scenes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "full profile: cargo xtask full"]
async fn ads_of_every_dialect_pass_the_gate() {
    for server in Server::ALL {
        for generated in ["scenes", "all"] {
            ads_pass_the_gate(server, generated).await;
        }
    }
}
