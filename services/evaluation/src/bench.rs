//! `scorer bench`: what scoring costs on one core of this machine.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use spotwright_core::ports::click_model::{ClickModel, ObservedInput, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::random::Stream;
use spotwright_scoring::data::Split;
use spotwright_scoring::encoder::{SERVING_CACHE_BYTES, TextEncoder};
use spotwright_scoring::last_layer::HEADLINE_TOKENS;
use spotwright_scoring::linear_scores;
use spotwright_scoring::load::load_ridge;

use crate::archive::{Archive, Encoder};
use crate::command::Places;
use crate::eval::print;
use crate::problem::scoring_problem;
use crate::promo::{self, FitSeconds};

/// Rows of the linear head's batch; with 1,152 columns 4.7 MB, more than the second cache holds.
const LINEAR_ROWS: usize = 1_024;
const LINEAR_COLUMNS: usize = 1_152;
/// Variants of one request.
const VARIANTS: usize = 100;
const REQUESTS: usize = 1_000;
const REQUESTS_WITH_HISTORY: usize = 50;

/// Arguments of `scorer bench`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Seconds spent on each rate.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Table whose test split's headlines are encoded; without it, the Upworthy archive in the data
    /// folder.
    #[arg(long)]
    pub table: Option<PathBuf>,
}

/// What was measured, on one thread.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Rows per second of the linear head, and its columns.
    pub linear_rows_per_core_second: f64,
    /// Columns of such a row.
    pub linear_columns: usize,
    /// 99th percentile of the time to score 100 variants whose texts are known, without history.
    pub p99_ms_100_variants: f64,
    /// The same with a history of 100 other variants.
    pub p99_ms_100_variants_with_history: f64,
    /// Model that these two are of.
    pub model: String,
    /// Rows per second of the deep and cross network of `eval --suite promo`, from slots to log-odds.
    pub dcn_rows_per_core_second: f64,
    /// Seconds that fits of the promo table take; `null` when it is not there.
    pub promo_fit_seconds: Option<FitSeconds>,
    /// Headlines per second through the layers of MiniLM that the shipped model reads; `null` when
    /// it is not installed or there is no table.
    pub minilm_texts_per_core_second: Option<f64>,
    /// The same for MPNet.
    pub mpnet_texts_per_core_second: Option<f64>,
    /// Mean characters of these headlines.
    pub mean_characters: Option<f64>,
}

/// Measures and prints.
///
/// # Errors
/// Model files that are damaged, or a table that is given and cannot be read.
pub fn execute(
    arguments: &Arguments,
    places: &Places,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|error| Problem::new(Code::Internal, "", error.to_string()))?;
    // Matrix products run on the threads of the pool they are called from: here, one.
    let report = pool.install(|| measure(arguments, places))?;
    print(&report, json, out, || report.table())
}

fn measure(arguments: &Arguments, places: &Places) -> Result<Report, Problem> {
    let budget = Duration::from_secs(arguments.seconds);
    let (model, _notice) = load_ridge(Encoder::Minilm.folder(places).as_deref(), SERVING_CACHE_BYTES)
        .map_err(|error| scoring_problem(&error))?;
    let headlines = if arguments.table.is_some() || places.data.is_some() {
        let archive = Archive::read(arguments.table.as_deref(), places)?;
        let test = archive.of_split(Split::Test);
        test.iter().map(|&idx| archive.rows[idx].headline.clone()).collect()
    } else {
        Vec::new()
    };
    let rate = |encoder: Encoder| -> Result<Option<f64>, Problem> {
        if headlines.is_empty() || !encoder.is_installed(places) {
            return Ok(None);
        }
        texts_per_second(encoder.load(places)?.as_ref(), &headlines, budget).map(Some)
    };
    let n = headlines.len();
    let characters: usize = headlines.iter().map(|headline| headline.chars().count()).sum();
    Ok(Report {
        linear_rows_per_core_second: linear_rate(budget),
        linear_columns: LINEAR_COLUMNS,
        p99_ms_100_variants: p99(model.as_ref(), &[], REQUESTS)?,
        p99_ms_100_variants_with_history: p99(model.as_ref(), &history(), REQUESTS_WITH_HISTORY)?,
        model: model.id(),
        dcn_rows_per_core_second: promo::dcn_rows_per_core_second(budget)?,
        promo_fit_seconds: promo::fit_seconds(places)?,
        minilm_texts_per_core_second: rate(Encoder::Minilm)?,
        mpnet_texts_per_core_second: rate(Encoder::Mpnet)?,
        mean_characters: (n > 0).then(|| characters as f64 / n as f64),
    })
}

#[expect(clippy::disallowed_methods, reason = "a measurement of speed reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn linear_rate(budget: Duration) -> f64 {
    let draws = Stream::new(1, "bench/linear");
    let value = |idx: usize| draws.uniform(idx as u64) as f32 - 0.5;
    let rows: Vec<f32> = (0..LINEAR_ROWS * LINEAR_COLUMNS).map(value).collect();
    let weights: Vec<f32> = (0..LINEAR_COLUMNS).map(value).collect();
    let mut scores = vec![0.0; LINEAR_ROWS];
    let (start, mut n) = (now(), 0.0);
    while start.elapsed() < budget {
        linear_scores(std::hint::black_box(&rows), &weights, &mut scores);
        std::hint::black_box(&scores);
        n += LINEAR_ROWS as f64;
    }
    n / start.elapsed().as_secs_f64()
}

fn texts_per_second(
    encoder: &dyn TextEncoder,
    headlines: &[String],
    budget: Duration,
) -> Result<f64, Problem> {
    let texts: Vec<&str> = headlines.iter().map(String::as_str).collect();
    let encode = |texts: &[&str]| {
        encoder
            .encode_batch(texts, HEADLINE_TOKENS)
            .map_err(|error| scoring_problem(&error))
            .map(|_vectors| ())
    };
    encode(&texts[..texts.len().min(64)])?;
    let (start, mut n) = (now(), 0);
    for part in texts.chunks(256).cycle() {
        encode(part)?;
        n += part.len();
        if start.elapsed() >= budget {
            break;
        }
    }
    Ok(n as f64 / start.elapsed().as_secs_f64())
}

fn variant(number: usize) -> ScoreInput {
    let headline = format!("Why offer {number} of this coffee tastes better in the morning");
    ScoreInput {
        text: format!("{headline}. Ground today."),
        headline,
        locale: Locale::EnUs,
        statistics: FrameStatistics { brightness: 0.004 * number as f64, ..FrameStatistics::default() },
    }
}

fn history() -> Vec<ObservedInput> {
    (0..VARIANTS)
        .map(|number| ObservedInput {
            input: variant(VARIANTS + number),
            impressions: 1_000,
            clicks: 10 + number as u64 % 7,
        })
        .collect()
}

fn p99(model: &dyn ClickModel, history: &[ObservedInput], requests: usize) -> Result<f64, Problem> {
    let inputs: Vec<ScoreInput> = (0..VARIANTS).map(variant).collect();
    let score = || {
        model
            .score(&inputs, history)
            .map(|scores| {
                std::hint::black_box(scores);
            })
            .map_err(|error| Problem::new(Code::ModelInput, "", error.to_string()))
    };
    score()?;
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let start = now();
        score()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[(times.len() * 99 / 100).min(times.len() - 1)])
}

impl Report {
    /// The report as lines to be read.
    pub(crate) fn table(&self) -> String {
        let rate =
            |rate: Option<f64>| rate.map_or_else(|| "not installed".to_owned(), |rate| format!("{rate:.1}"));
        let seconds = |seconds: Option<f64>| {
            seconds.map_or_else(|| "not installed".to_owned(), |seconds| format!("{seconds:.3} s"))
        };
        let fits = self.promo_fit_seconds.as_ref().map_or_else(
            || "no promo table".to_owned(),
            |fits| {
                format!(
                    "fit of {} promo rows: curved regression {:.3} s, DCN-v2 {:.3} s, LightGBM {}",
                    fits.rows,
                    fits.regression,
                    fits.dcn,
                    seconds(fits.lightgbm)
                )
            },
        );
        format!(
            "linear head: {:.0} rows of {} columns per second\n100 known variants: p99 {:.3} ms; with a history of \
             100: {:.3} ms ({})\nDCN-v2: {:.0} rows per second\n{fits}\nMiniLM: {} headlines per second\nMPNet: {} headlines per second\n",
            self.linear_rows_per_core_second,
            self.linear_columns,
            self.p99_ms_100_variants,
            self.p99_ms_100_variants_with_history,
            self.model,
            self.dcn_rows_per_core_second,
            rate(self.minilm_texts_per_core_second),
            rate(self.mpnet_texts_per_core_second),
        )
    }
}
