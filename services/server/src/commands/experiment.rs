//! `spotwright experiment analyze` and `experiment plan`: tests that were run anywhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use spotwright_experiment::analysis::effect::Difference;
use spotwright_experiment::analysis::plan::{
    Baseline, Question, Stopping, days_left, required, smallest_effect,
};
use spotwright_experiment::analysis::read_out::Prior;
use spotwright_experiment::analysis::report::{Analysis, Comparison, Design, Minimum, analyze};
use spotwright_experiment::analysis::sentence::sentence;
use spotwright_experiment::analysis::{EffectInterval, report};
use spotwright_observations::{told, trial};
use spotwright_schemas::error::Code;
use spotwright_schemas::{Language, Problem};

use super::{Machine, print_json, print_text, table_bytes};

/// Tests of creatives.
#[derive(Debug, Subcommand)]
pub enum Experiment {
    /// Read out a test: always-valid, fixed-horizon and Bayesian, with all checks.
    Analyze(Box<AnalyzeArguments>),
    /// Say how much traffic a test needs, how many days, or what it can find.
    Plan(PlanArguments),
}

impl Experiment {
    /// Whether one JSON document is asked for.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        match self {
            Self::Analyze(arguments) => arguments.json,
            Self::Plan(arguments) => arguments.json,
        }
    }
}

/// Options of `experiment analyze`.
#[derive(Debug, Clone, Args)]
pub struct AnalyzeArguments {
    /// CSV, XLSX, JSON or parquet: counts (`arm`, `units`, `successes`) or rows (`unit`, `arm`, `value`).
    pub file: PathBuf,
    /// The control; by default `control`, or the first arm of the file.
    #[arg(long)]
    pub control: Option<String>,
    /// The metric that decides, where the file has several.
    #[arg(long)]
    pub metric: Option<String>,
    /// Less of the metric is better, e.g. of cost.
    #[arg(long)]
    pub less_is_better: bool,
    /// A metric that must not get worse: `NAME=MARGIN`, the tolerated relative change, or `NAME=MARGIN,less`
    /// where less is better.
    #[arg(long = "guardrail")]
    pub guardrails: Vec<String>,
    /// Configured weight of an arm: `ARM=WEIGHT`; equal without any.
    #[arg(long = "weight")]
    pub weights: Vec<String>,
    /// Tell absolute effects instead of relative ones.
    #[arg(long)]
    pub absolute: bool,
    /// Two-sided error rate.
    #[arg(long, default_value_t = 0.05)]
    pub alpha: f64,
    /// Probability of finding the smallest effect.
    #[arg(long, default_value_t = 0.8)]
    pub power: f64,
    /// Smallest relative effect worth finding.
    #[arg(long, default_value_t = 0.1)]
    pub smallest_effect: f64,
    /// Units in both arms at which the always-valid interval is narrowest, as planned before the start.
    #[arg(long, default_value_t = report::DEFAULT_TUNING)]
    pub tuning: f64,
    /// Normal prior of the relative effect: `MEAN,DEVIATION`; flat without it.
    #[arg(long)]
    pub prior: Option<String>,
    /// Days of the test, where the file has no times.
    #[arg(long)]
    pub days: Option<f64>,
    /// Days before there is a verdict.
    #[arg(long, default_value_t = 7)]
    pub minimum_days: u32,
    /// Units in each arm before there is a verdict.
    #[arg(long, default_value_t = 200)]
    pub minimum_units: u64,
    /// Successes in each arm before there is a verdict on a proportion.
    #[arg(long, default_value_t = 10)]
    pub minimum_successes: u64,
    /// Language of the sentence on the terminal: zh-CN or en-US; JSON holds both.
    #[arg(long, default_value = "en-US")]
    pub locale: String,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `experiment plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArguments {
    /// Rate of the control, in (0, 1).
    #[arg(long, required_unless_present = "mean", conflicts_with = "mean")]
    pub rate: Option<f64>,
    /// Mean of the control, of a metric that is no rate.
    #[arg(long, requires = "variance")]
    pub mean: Option<f64>,
    /// Variance of one unit of the control.
    #[arg(long)]
    pub variance: Option<f64>,
    /// Smallest relative effect worth finding.
    #[arg(long, default_value_t = 0.1)]
    pub effect: f64,
    /// Two-sided error rate of all comparisons together.
    #[arg(long, default_value_t = 0.05)]
    pub alpha: f64,
    /// Probability of finding the effect.
    #[arg(long, default_value_t = 0.8)]
    pub power: f64,
    /// Weights of the arms, the control first.
    #[arg(long = "weight", value_delimiter = ',', default_values_t = [1.0, 1.0])]
    pub weights: Vec<f64>,
    /// The test is read once, at its end.
    #[arg(long)]
    pub fixed_horizon: bool,
    /// Units that come each day.
    #[arg(long)]
    pub units_per_day: Option<f64>,
    /// Units that there will be: also say what they can find.
    #[arg(long)]
    pub units: Option<u64>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Code::Option`] for an option; [`Code::Table`] and [`Code::Trial`] for the file.
pub fn execute(what: &Experiment) -> Result<(), Problem> {
    match what {
        Experiment::Analyze(arguments) => analyzed(arguments),
        Experiment::Plan(arguments) => planned(arguments),
    }
}

fn option(field: &str, message: impl Into<String>) -> Problem {
    Problem::new(Code::Option, field, message)
}

fn analyzed(arguments: &AnalyzeArguments) -> Result<(), Problem> {
    let language = match arguments.locale.as_str() {
        "zh-CN" => Language::Chinese,
        "en-US" | "en-GB" => Language::English,
        other => {
            return Err(option("--locale", format!("`{other}` is no locale; there are zh-CN and en-US")));
        }
    };
    let asked = trial::Asked {
        control: arguments.control.clone(),
        primary: arguments.metric.clone(),
        less_is_better: arguments.less_is_better,
        guardrails: arguments.guardrails.iter().map(|text| guarded(text)).collect::<Result<_, _>>()?,
        weights: weights(&arguments.weights)?,
        days: arguments.days,
    };
    let (bytes, name) = table_bytes(&arguments.file)?;
    let trial = trial::read(&bytes, &name, &asked)?;
    let design = Design {
        difference: if arguments.absolute { Difference::Absolute } else { Difference::Relative },
        alpha: arguments.alpha,
        power: arguments.power,
        smallest_effect: arguments.smallest_effect,
        tuning: arguments.tuning,
        prior: arguments.prior.as_deref().map(prior).transpose()?,
        minimum: Minimum {
            days: arguments.minimum_days,
            units: arguments.minimum_units,
            successes: arguments.minimum_successes,
        },
        ..trial.design()
    };
    let analysis =
        analyze(design, &trial.observed).map_err(|error| Problem::new(Code::Trial, "", error.to_string()))?;
    if arguments.json {
        print_json(&document(&analysis, &trial));
    } else if arguments.csv {
        print_text(&told::analysis(&analysis, trial.source));
    } else {
        print_text(&shown(&analysis, &trial.notes, language));
    }
    Ok(())
}

/// `NAME=MARGIN` or `NAME=MARGIN,less`.
fn guarded(text: &str) -> Result<trial::Guarded, Problem> {
    let wrong = || option("--guardrail", format!("`{text:.60}` is not NAME=MARGIN or NAME=MARGIN,less"));
    let (metric, rest) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (margin, less_is_better) = match rest.split_once(',') {
        Some((margin, "less")) => (margin, true),
        Some(_) => return Err(wrong()),
        None => (rest, false),
    };
    let margin: f64 = margin.trim().parse().map_err(|_| wrong())?;
    Ok(trial::Guarded { metric: metric.to_owned(), less_is_better, margin })
}

fn weights(texts: &[String]) -> Result<BTreeMap<String, f64>, Problem> {
    let mut weights = BTreeMap::new();
    for text in texts {
        let wrong = || option("--weight", format!("`{text:.60}` is not ARM=WEIGHT"));
        let (arm, weight) = text.rsplit_once('=').ok_or_else(wrong)?;
        let weight = weight.trim().parse().map_err(|_| wrong())?;
        if weights.insert(arm.to_owned(), weight).is_some() {
            return Err(option("--weight", format!("the arm `{arm:.60}` is there twice")));
        }
    }
    Ok(weights)
}

fn prior(text: &str) -> Result<Prior, Problem> {
    let parsed = text.split_once(',').and_then(|(mean, deviation)| {
        let deviation: f64 = deviation.trim().parse().ok()?;
        Some(Prior { mean: mean.trim().parse().ok()?, variance: deviation * deviation })
    });
    parsed.ok_or_else(|| option("--prior", format!("`{text:.60}` is not MEAN,DEVIATION")))
}

/// The analysis, and what every document of the program says.
fn document(analysis: &Analysis, trial: &trial::Trial) -> Value {
    let mut document = told::document(analysis, trial.source, &trial.notes);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("seed".to_owned(), Value::Null);
        fields.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
        fields.insert("machine".to_owned(), json!(Machine::here()));
    }
    document
}

/// An effect as the terminal shows it: percent where it is relative.
fn effect_shown(value: f64, is_relative: bool) -> String {
    if is_relative { format!("{:+.2}%", value * 100.0) } else { format!("{value:+.6}") }
}

fn interval_shown(own: EffectInterval, is_relative: bool) -> String {
    let effect = |value: f64| effect_shown(value, is_relative);
    format!("{} [{}, {}]", effect(own.estimate), effect(own.low), effect(own.high))
}

/// The sentence and a table for the terminal.
fn shown(analysis: &Analysis, notes: &[String], language: Language) -> String {
    let mut text = format!("{}\n\n", sentence(analysis, language));
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:<20} {:>10} {:>12}", "arm", "units", "mean");
    for arm in &analysis.arms {
        let mean = arm.moments.map_or_else(|| "-".to_owned(), |moments| format!("{:.6}", moments.mean));
        let _ = writeln!(text, "{:<20} {:>10} {:>12}", arm.arm, arm.units, mean);
    }
    let is_relative = matches!(analysis.design.difference, Difference::Relative);
    for own in &analysis.comparisons {
        text.push_str(&comparison_shown(own, is_relative));
    }
    for own in &analysis.guardrails {
        let known = own
            .always_valid
            .map_or_else(|| "no read-out".to_owned(), |read| interval_shown(read.interval, true));
        let _ = writeln!(text, "\nguardrail {} of {}: {:?}, {known}", own.metric, own.arm, own.state);
    }
    let mismatch = &analysis.mismatch;
    let p = mismatch.p_value.map_or_else(|| "-".to_owned(), |p| format!("{p:.4}"));
    let said = match (mismatch.is_testable, mismatch.alarm, mismatch.warning) {
        (false, ..) => "too few units to test",
        (true, true, _) => "MISMATCH",
        (true, false, true) => "doubtful, look into it",
        (true, false, false) => "as configured",
    };
    let _ = writeln!(text, "\ndivision of traffic: {said} (p {p})");
    if let Some(needed) = &analysis.needed {
        let left = analysis.days_left.map_or_else(String::new, |days| format!(", about {days} days left"));
        let _ = writeln!(text, "traffic for the smallest effect: {} units in all{left}", needed.total);
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// One variant, by all methods.
fn comparison_shown(own: &Comparison, is_relative: bool) -> String {
    let mut text = format!("\n{} against the control\n", own.arm);
    let interval = |interval: EffectInterval| interval_shown(interval, is_relative);
    if let Some(reason) = own.unavailable {
        let _ = writeln!(text, "  no read-out: {reason}");
    }
    if let Some(read) = own.always_valid {
        let (p, adjusted) = (read.p_value, own.adjusted_p_value.unwrap_or(1.0));
        let _ =
            writeln!(text, "  always valid   {}  p {p:.4}, adjusted {adjusted:.4}", interval(read.interval));
    }
    if let Some(read) = own.fixed_horizon {
        let _ = writeln!(text, "  fixed horizon  {}  p {:.4}", interval(read.interval), read.p_value);
    }
    if let Some(read) = own.bayesian {
        let (chance, loss) = (own.chance_to_be_better.unwrap_or(0.5), own.expected_loss.unwrap_or(0.0));
        let loss = effect_shown(loss, is_relative);
        let _ = writeln!(
            text,
            "  Bayesian       {}  chance to win {:.1}%, expected loss {}",
            interval(read.interval),
            chance * 100.0,
            loss.trim_start_matches('+')
        );
    }
    text
}

/// What a plan is made for.
fn question(arguments: &PlanArguments) -> Result<Question, Problem> {
    let baseline = match (arguments.rate, arguments.mean, arguments.variance) {
        (Some(rate), ..) => Baseline::Proportion(rate),
        (None, Some(mean), Some(variance)) => Baseline::Mean { mean, variance },
        _ => return Err(option("--rate", "a rate, or a mean and its variance, are needed")),
    };
    Ok(Question {
        baseline,
        effect: arguments.effect,
        alpha: arguments.alpha,
        power: arguments.power,
        weights: arguments.weights.clone(),
        stopping: if arguments.fixed_horizon {
            Stopping::FixedHorizon
        } else {
            Stopping::AlwaysValid { tuning: None }
        },
    })
}

fn planned(arguments: &PlanArguments) -> Result<(), Problem> {
    let question = question(arguments)?;
    let wrong = |error: spotwright_experiment::Error| option("plan", error.to_string());
    let traffic = required(&question).map_err(wrong)?;
    let fixed =
        required(&Question { stopping: Stopping::FixedHorizon, ..question.clone() }).map_err(wrong)?;
    let days = match arguments.units_per_day {
        Some(rate) if !(rate.is_finite() && rate > 0.0) => {
            return Err(option("--units-per-day", format!("{rate} is not above 0")));
        }
        Some(rate) => days_left(traffic.total, 0, rate),
        None => None,
    };
    let found = match arguments.units {
        Some(units) => smallest_effect(&question, units).map_err(wrong)?,
        None => None,
    };
    if arguments.json {
        print_json(&json!({
            "traffic": traffic,
            "fixed_horizon_total": fixed.total,
            "days": days,
            "units": arguments.units,
            "smallest_effect": found,
            "seed": Value::Null,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": Machine::here(),
        }));
        return Ok(());
    }
    let units: Vec<String> = traffic.units.iter().map(u64::to_string).collect();
    let mut text = format!("units by arm: {} ({} in all)\n", units.join(", "), traffic.total);
    if let Some(tuning) = traffic.tuning {
        let _ = writeln!(text, "tuning to freeze with the test: {tuning} units in both arms");
        let _ = writeln!(text, "a test that is read once needs {} in all", fixed.total);
    }
    if let Some(days) = days {
        let _ = writeln!(text, "days: {days}; run whole weeks, at least {}", days.div_ceil(7).max(1) * 7);
    }
    if let Some(units) = arguments.units {
        let said = found
            .map_or_else(|| "no effect".to_owned(), |effect| format!("an effect of {:+.2}%", effect * 100.0));
        let _ = writeln!(text, "{units} units find {said} or a larger one");
    }
    print_text(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        what: Experiment,
    }

    fn arguments(line: &[&str]) -> AnalyzeArguments {
        let line = Line::parse_from(["x", "analyze"].iter().chain(line));
        let Experiment::Analyze(arguments) = line.what else { panic!("{line:?}") };
        *arguments
    }

    #[test]
    fn a_clear_winner_is_told_in_two_languages_and_by_all_methods() {
        let csv = "arm,units,successes\ncontrol,20000,1000\nb,20000,1300\n";
        let trial =
            trial::read(csv.as_bytes(), "a.csv", &trial::Asked { days: Some(14.0), ..Default::default() });
        let trial = trial.unwrap();
        let analysis = analyze(trial.design(), &trial.observed).unwrap();
        let document = document(&analysis, &trial);
        assert_eq!(document["verdict"]["verdict"], "winner");
        let methods: Vec<&str> = document["comparisons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|own| own["method"].as_str().unwrap())
            .collect();
        assert_eq!(methods, ["always_valid", "fixed_horizon", "bayesian", "score_absolute"]);
        assert!(document["srm"]["p_value"].as_f64().unwrap() > 0.9);
        let (zh, en) = (&document["sentence"]["zh-CN"], &document["sentence"]["en-US"]);
        assert!(zh.as_str().unwrap().starts_with("b 胜出：successes 相对 control 变化 +30.0%"), "{zh}");
        assert!(en.as_str().unwrap().starts_with("b wins: successes changes by +30.0%"), "{en}");
        assert!(shown(&analysis, &trial.notes, Language::English).contains("as configured"));
    }

    #[test]
    fn options_that_are_wrong_are_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "arm,units,successes\na,100,10\nb,100,12\n").unwrap();
        let path = file.path().to_str().unwrap();
        for (options, field) in [
            (vec!["--locale", "fr-FR"], "--locale"),
            (vec!["--guardrail", "x"], "--guardrail"),
            (vec!["--guardrail", "x=1,more"], "--guardrail"),
            (vec!["--weight", "a"], "--weight"),
            (vec!["--weight", "a=1", "--weight", "a=2"], "--weight"),
            (vec!["--prior", "1"], "--prior"),
            (vec!["--control", "z"], "control"),
            (vec!["--metric", "z"], "metric"),
            (vec!["--weight", "a=1"], "weights"),
            (vec!["--alpha", "2"], ""),
        ] {
            let line: Vec<&str> = std::iter::once(path).chain(options.iter().copied()).collect();
            let problem = analyzed(&arguments(&line)).unwrap_err();
            assert_eq!(problem.field, field, "{options:?}: {problem}");
        }
        analyzed(&arguments(&[path, "--json"])).unwrap();
    }

    #[test]
    fn plans_are_made_and_bad_ones_named() {
        let plan = |line: &[&str]| {
            let line = Line::parse_from(["x", "plan"].iter().chain(line));
            let Experiment::Plan(arguments) = line.what else { panic!("{line:?}") };
            planned(&arguments)
        };
        plan(&["--rate", "0.05", "--units-per-day", "1000", "--units", "50000"]).unwrap();
        plan(&["--mean", "10", "--variance", "100", "--json"]).unwrap();
        assert_eq!(plan(&["--rate", "1.5"]).unwrap_err().field, "plan");
        assert_eq!(plan(&["--rate", "0.5", "--units-per-day", "0"]).unwrap_err().field, "--units-per-day");
    }
}
