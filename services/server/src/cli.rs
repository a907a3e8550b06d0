//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::commands::experiment::Experiment;
use crate::commands::results::Results;

/// Takes an advertiser's brief to placed, measured, improving video ads.
#[derive(Debug, Parser)]
#[command(name = "spotwright", version, about)]
pub struct Arguments {
    /// Configuration file; comes on top of the defaults.
    #[arg(long, global = true, env = "SPOTWRIGHT_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The roles asked for; none stands for all.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        if let Command::Serve { roles, .. } = &self.command { roles } else { &[] }
    }
}

/// The values with these names, each once; all of them when none is named.
///
/// # Errors
/// [`Code::Option`] for a name that is none, with `field`.
pub(crate) fn named<T: Copy + PartialEq + FromStr>(
    names: &[String],
    all: &[T],
    field: &str,
    what: &str,
    name_of: fn(T) -> &'static str,
) -> Result<Vec<T>, Problem> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let value: T = name.parse().map_err(|_| {
            let known: Vec<&str> = all.iter().copied().map(name_of).collect();
            Problem::new(
                Code::Option,
                field,
                format!("`{name}` is no {what}; there are {}", known.join(", ")),
            )
        })?;
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Ok(found)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a brief to placed winners: the whole loop.
    Run(RunArguments),
    /// Serve the portal, the REST API and the workers, in one process or each role in its own.
    Serve {
        /// The parts this process plays: api, agent, render (or render.cpu and render.remote), render.gpu,
        /// score, market, relay; all without it.
        #[arg(long = "role", value_delimiter = ',')]
        roles: Vec<String>,
        /// Add a demo organization with runs, experiments and results, and print a link that signs in to it.
        #[arg(long)]
        demo: bool,
    },
    /// Make the operator of a new database and print the operator's key, once.
    Operator {
        /// Make another key for the operator that there is: the way back in when the key was lost.
        #[arg(long)]
        new_key: bool,
        /// With `--new-key`: revoke all earlier keys of the operator.
        #[arg(long, requires = "new_key")]
        revoke_others: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Make a pepper for `serve.pepper`.
    Pepper,
    /// Bring the configured database to the newest format.
    Migrate,
    /// Print the OpenAPI description of the REST API.
    Openapi,
    /// Print the AsyncAPI description of the messages between processes.
    Asyncapi,
    /// Look after messages that were given up.
    Dlq {
        /// What to do.
        #[command(subcommand)]
        what: Dlq,
    },
    /// Check a brief and its pictures without doing anything.
    Check {
        /// The brief.
        brief: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Render a storyboard file: every variant in every shape.
    #[command(args_conflicts_with_subcommands = true)]
    Render {
        /// The storyboard file, YAML or JSON; its assets lie beside it.
        #[arg(required = true)]
        storyboard: Option<PathBuf>,
        /// Folder for the videos.
        #[arg(long, required = true)]
        out: Option<PathBuf>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Something else.
        #[command(subcommand)]
        what: Option<RenderWhat>,
    },
    /// Try voices.
    Voice {
        /// What to do.
        #[command(subcommand)]
        what: VoiceWhat,
    },
    /// Judge advertising text by itself.
    Copy {
        /// What to do.
        #[command(subcommand)]
        what: CopyText,
    },
    /// Make briefs of what an advertiser has.
    Brief {
        /// What to do.
        #[command(subcommand)]
        what: Brief,
    },
    /// Look after product feeds.
    Feed {
        /// What to do.
        #[command(subcommand)]
        what: Feed,
    },
    /// Plan and read out A/B tests, run anywhere.
    Experiment {
        /// What to do.
        #[command(subcommand)]
        what: Experiment,
    },
    /// Look after results of advertising platforms.
    Results {
        /// What to do.
        #[command(subcommand)]
        what: Results,
    },
    /// Use parts of the creative agent alone.
    Agent {
        /// What to do.
        #[command(subcommand)]
        what: Agent,
    },
    /// Measure the spine.
    Bench {
        /// What to measure.
        #[command(subcommand)]
        what: Bench,
    },
    /// Explain an error code, e.g. `explain SW0104`; without a code list all.
    Explain {
        /// The code.
        code: Option<String>,
    },
    /// Say what is installed and what is missing.
    Doctor {
        /// Ask the configured sources of clips instead.
        #[arg(long)]
        video: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Check a run or a service: invariants of the database, and every file against its hash.
    Verify {
        /// Output folder of a finished or interrupted run; without it, the service of the configuration is
        /// checked, also while it works.
        out: Option<PathBuf>,
        /// Also read every file and compare its hash.
        #[arg(long)]
        objects: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Write the winners of a finished run as folders for advertising platforms.
    LaunchPack {
        /// Output folder of the run.
        #[arg(long)]
        out: PathBuf,
        /// Folder of the pack.
        folder: PathBuf,
        /// Platforms: generic, tiktok_feed, meta_reels, youtube_shorts; all without it.
        #[arg(long = "platform", value_delimiter = ',')]
        platforms: Vec<String>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Train click models, rank texts, and measure what models and policies are worth on real tests.
    Scorer {
        /// Folder of the data sets (`upworthy/`, `promo/`, `mushroom/`, `ope_oracle/`, `obd/`).
        #[arg(long, env = "SPOTWRIGHT_DATA", global = true)]
        data: Option<PathBuf>,
        /// Print one JSON document; `rank` prints JSON Lines always.
        #[arg(long, global = true)]
        json: bool,
        /// What to do.
        #[command(subcommand)]
        what: spotwright_evaluation::Command,
    },
    /// Print the configuration with all layers applied, or the documented defaults.
    Config {
        /// Print the documented defaults instead.
        #[arg(long)]
        defaults: bool,
    },
}

/// What `render` does beside rendering.
#[derive(Debug, Subcommand)]
pub enum RenderWhat {
    /// Measure the processor time of 27 variants (3 × 3 × 3), quality gate included.
    Bench {
        /// Seconds of each of the three shots, 2–20.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
        /// Also measure the `ffmpeg` program on the same number of renders, each followed by the gate.
        #[arg(long)]
        peer: bool,
        /// A picture that all shots show; drawn backgrounds without it.
        #[arg(long)]
        picture: Option<PathBuf>,
        /// A Python interpreter that has `MoviePy` 2, which makes the reference ad too.
        #[arg(long, value_name = "PYTHON")]
        moviepy: Option<PathBuf>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Draw every layout in every style: contact sheets, single frames and a page. What is not named is drawn
    /// in all its kinds; each frame once with a photograph, once with a product on white and once without a
    /// picture.
    Gallery(GalleryArguments),
    /// Run the quality gate on any video file. Exit code 1 when it does not pass.
    Check {
        /// The file.
        file: PathBuf,
        /// Where it is to run, e.g. `simulated_feed`.
        #[arg(long)]
        placement: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// What the gallery shows.
#[derive(Debug, Args)]
pub struct GalleryArguments {
    /// Folder for the pictures and `index.html`.
    #[arg(long)]
    pub out: PathBuf,
    /// Language: zh-CN or en-US.
    #[arg(long)]
    pub locale: Option<String>,
    /// Shape: 9:16, 4:5, 1:1 or 16:9.
    #[arg(long)]
    pub aspect: Option<String>,
    /// Style, e.g. premium.
    #[arg(long)]
    pub style: Option<String>,
    /// Layout, e.g. full_bleed.
    #[arg(long)]
    pub layout: Option<String>,
    /// Pictures: those on a plain ground stand for packshots, the others for photographs; drawn stand-ins
    /// without them.
    #[arg(long = "picture")]
    pub pictures: Vec<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// What voices do.
#[derive(Debug, Subcommand)]
pub enum VoiceWhat {
    /// Speak a line into a WAV file, with the times of its words.
    Say {
        /// The line, with its prices, units and dates.
        text: String,
        /// Language: zh-CN, en-US or en-GB; zh and en for short.
        #[arg(long, alias = "language")]
        locale: String,
        /// Name of the voice, e.g. `am_michael`; by default the language's own.
        #[arg(long)]
        voice: Option<String>,
        /// Pace, 0.9 to 1.2.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
        /// The WAV file.
        #[arg(long)]
        out: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Judgements on advertising text.
#[derive(Debug, Subcommand)]
pub enum CopyText {
    /// Advertising law and platform policy, line by line. Exit code 0 also with findings.
    Lint {
        /// Plain lines, or JSON Lines `{text, evidence[], category, audience, names[], locale}`; standard
        /// input without it.
        file: Option<PathBuf>,
        /// Language and market: zh-CN or en-US.
        #[arg(long)]
        locale: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Briefs from other sources.
#[derive(Debug, Subcommand)]
pub enum Brief {
    /// Read pages, documents, feeds or text into a draft brief for correction.
    Read {
        /// Files, `-` for standard input, or web addresses; what an earlier one says comes first.
        #[arg(required = true, num_args = 1..=16)]
        sources: Vec<String>,
        /// Write the draft to this file instead of standard output.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Language of the advertisement, e.g. zh-CN; by default that of the sources.
        #[arg(long)]
        locale: Option<String>,
        /// Id of the product of a feed; by default its first.
        #[arg(long)]
        item: Option<String>,
        /// Open web addresses of this machine too, on any port: for development.
        #[arg(long)]
        allow_loopback: bool,
        /// Read by rules alone, also where a language model is configured.
        #[arg(long)]
        rules_only: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Product feeds.
#[derive(Debug, Subcommand)]
pub enum Feed {
    /// Compare two versions of a feed and list the winners of a run that say what is no longer true.
    Check {
        /// The feed as it was.
        #[arg(long)]
        old: PathBuf,
        /// The feed as it is.
        #[arg(long)]
        new: PathBuf,
        /// Output folder of a finished run.
        #[arg(long)]
        run: Option<PathBuf>,
        /// Id of the product that the run sells; by default every changed product is meant.
        #[arg(long)]
        item: Option<String>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Withdraw the variants that say what a feed has made untrue: a changed price or last day, empty stock.
    /// Exit code 1 when a part of the feed cannot be read.
    Apply {
        /// The feed as it is.
        feed: PathBuf,
        /// The feed as it was; by default each brief's own offer is what was.
        #[arg(long)]
        old: Option<PathBuf>,
        /// Output folder of a run; by default the runs of the configured service.
        #[arg(long, conflicts_with = "organization")]
        run: Option<PathBuf>,
        /// Only runs of this organization.
        #[arg(long)]
        organization: Option<uuid::Uuid>,
        /// Id of the product; with `--run` it is what the run sells, else briefs are matched by page or name.
        #[arg(long)]
        item: Option<String>,
        /// Only tell what would be withdrawn.
        #[arg(long)]
        dry_run: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Parts of the creative agent.
#[derive(Debug, Subcommand)]
pub enum Agent {
    /// Show the cases of the library that fit a brief: how they are built, and why they were found.
    Cases {
        /// The brief.
        #[arg(long)]
        brief: PathBuf,
        /// How many, 1–64.
        #[arg(long, default_value_t = 5)]
        count: u32,
        /// Also compare meanings by vectors of multilingual-e5-small; takes a few seconds.
        #[arg(long)]
        vectors: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Write scripts for briefs with the copy engine; nothing is rendered or placed.
    Write {
        /// A brief, or a folder of briefs (`*.yaml`, `*.json`, or `brief.yaml` one folder below).
        #[arg(long)]
        briefs: PathBuf,
        /// Scripts for each brief, 1–64.
        #[arg(long, default_value_t = 6)]
        scripts: u32,
        /// Seed of everything random.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Let the configured language model write; what it bills is not booked on any run.
        #[arg(long)]
        model: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Things to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Durable steps, variants and latency through the spine, with rendering and models stubbed.
    Pipeline {
        /// Runs worked on at the same time.
        #[arg(long, default_value_t = 64)]
        runs: u32,
        /// Variants in each generation of a run.
        #[arg(long, default_value_t = 8)]
        variants: u32,
        /// Steps whose way from enqueueing to start is timed, one by one.
        #[arg(long, default_value_t = 300)]
        probes: u32,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// What to do with messages that were given up.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List them, oldest first.
    List {
        /// Most messages.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Send them to their queues again.
    Replay {
        /// Ids of the messages; all without any.
        ids: Vec<uuid::Uuid>,
    },
}

/// Options of `run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArguments {
    /// The brief: a `.yaml`, `.yml` or `.json` file. Not needed with `--resume`.
    pub brief: Option<PathBuf>,
    /// Output folder. By default a new folder below `spotwright-out/`.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Turns of the loop, 1–20.
    #[arg(long)]
    pub generations: Option<u32>,
    /// Variants in each generation, 1–64.
    #[arg(long)]
    pub variants: Option<u32>,
    /// Variants of each generation that are rendered final and placed.
    #[arg(long)]
    pub winners: Option<u32>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Processors to use; by default all.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Also write the winners as folders for advertising platforms.
    #[arg(long)]
    pub launch_pack: Option<PathBuf>,
    /// Most that the run may spend on everything, in the brief's currency, e.g. 20.00; less than the brief's
    /// budget.
    #[arg(long)]
    pub max_spend: Option<String>,
    /// Tell what the run would cost, and do nothing.
    #[arg(long, conflicts_with = "resume")]
    pub estimate: bool,
    /// Ask on this terminal what is open about the brief, before anything is planned.
    #[arg(long)]
    pub ask: bool,
    /// Continue the interrupted run in `--out`.
    #[arg(long)]
    pub resume: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}
