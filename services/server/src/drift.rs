//! How far the predictions of this process can be believed, as metrics.
//!
//! One watch per model and source of numbers: a trailing week of outcomes, read as they are and as
//! the trailing calibration would have corrected them, each outcome before its clicks were learned
//! from. Scores themselves are left alone: a run's scores follow from its own brief's clicks, so that
//! it can be replayed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::outcome_sink::{OutcomeSink, PredictionOutcome};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::PlacementId;
use spotwright_scoring::online::{Bounds, Calibrator, Health, Monitor, Outcome};

/// Periods are hours.
const PERIOD_MICROS: i64 = 3_600_000_000;
/// Hours that alarms look back.
const WINDOW: u64 = 7 * 24;
/// Hours that the calibration looks back.
const CALIBRATION: u64 = 3 * 24;
/// Placements remembered against being told twice; the oldest ids are forgotten beyond it.
const REMEMBERED: usize = 100_000;

/// Watches the outcomes that the agent tells of.
pub struct DriftWatch {
    clock: Arc<dyn Clock>,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    told: BTreeSet<PlacementId>,
    /// The same, in the order in which they were told.
    order: VecDeque<PlacementId>,
    streams: BTreeMap<(String, &'static str), StreamWatch>,
}

impl Watched {
    fn is_new(&mut self, placement: PlacementId) -> bool {
        if !self.told.insert(placement) {
            return false;
        }
        self.order.push_back(placement);
        if self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.told.remove(&oldest);
            }
        }
        true
    }
}

struct StreamWatch {
    calibrator: Calibrator,
    raw: Monitor,
    calibrated: Monitor,
}

impl Default for StreamWatch {
    fn default() -> Self {
        let monitor = || Monitor::new(WINDOW, Bounds::default());
        Self { calibrator: Calibrator::new(CALIBRATION), raw: monitor(), calibrated: monitor() }
    }
}

impl StreamWatch {
    fn observe(&mut self, outcomes: &[Outcome]) -> [(&'static str, Health); 2] {
        let calibrated: Vec<Outcome> = outcomes
            .iter()
            .map(|row| Outcome {
                predicted: self.calibrator.calibrated(&row.field, row.predicted),
                ..row.clone()
            })
            .collect();
        self.calibrator.observe(outcomes.iter().cloned());
        [
            ("raw", self.raw.observe(outcomes.iter().cloned())),
            ("calibrated", self.calibrated.observe(calibrated)),
        ]
    }

    fn raw_alarms(&self) -> [bool; 2] {
        let health = self.raw.health();
        [health.pcoc_alarm.is_raised(), health.ece_alarm.is_raised()]
    }
}

impl DriftWatch {
    /// Watches by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, watched: Mutex::default() }
    }
}

impl OutcomeSink for DriftWatch {
    fn observe(&self, outcomes: &[PredictionOutcome]) {
        let period = (self.clock.now_micros().max(0) / PERIOD_MICROS) as u64;
        // A poisoned lock only means that another thread panicked between two whole observations.
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh: BTreeMap<(String, &'static str), Vec<Outcome>> = BTreeMap::new();
        for told in outcomes {
            if !watched.is_new(told.placement) {
                continue;
            }
            let source = source_name(told.source);
            fresh.entry((told.model.clone(), source)).or_default().push(Outcome {
                period,
                field: told.field.clone(),
                predicted: told.predicted_ctr,
                impressions: told.impressions,
                clicks: told.clicks,
            });
        }
        for (key, outcomes) in fresh {
            let stream = watched.streams.entry(key.clone()).or_default();
            let before = stream.raw_alarms();
            let health = stream.observe(&outcomes);
            let (model, source) = key;
            tell(&model, source, &health);
            if before != stream.raw_alarms() {
                let raised = stream.raw_alarms();
                tracing::warn!(model, source, pcoc = raised[0], ece = raised[1], "drift alarms changed");
            }
        }
    }
}

const fn source_name(source: FeedbackSource) -> &'static str {
    match source {
        FeedbackSource::Simulated => "simulated",
        FeedbackSource::Imported => "imported",
    }
}

fn tell(model: &str, source: &'static str, health: &[(&'static str, Health); 2]) {
    for (predictions, health) in health {
        let labels = || {
            [
                metrics::Label::new("model", model.to_owned()),
                metrics::Label::new("source", source),
                metrics::Label::new("predictions", *predictions),
            ]
        };
        let gauge = |name: &'static str, value: f64| metrics::gauge!(name, labels().iter()).set(value);
        if let Some(reading) = &health.reading {
            gauge("spotwright_model_pcoc", reading.pcoc);
            gauge("spotwright_model_relative_ece", reading.relative_ece);
            gauge("spotwright_model_chance_ece", reading.chance_ece);
            gauge("spotwright_model_window_clicks", reading.clicks as f64);
        }
        gauge("spotwright_model_pcoc_alarm", f64::from(u8::from(health.pcoc_alarm.is_raised())));
        gauge("spotwright_model_ece_alarm", f64::from(u8::from(health.ece_alarm.is_raised())));
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    struct Still;

    impl Clock for Still {
        fn now_micros(&self) -> i64 {
            1_700_000_000_000_000
        }
    }

    fn outcome(number: u64, predicted_ctr: f64) -> PredictionOutcome {
        PredictionOutcome {
            placement: PlacementId::derive(1, "drift", number),
            field: "simulated_feed/clicks".to_owned(),
            model: "minilm-ridge@012345678901".to_owned(),
            predicted_ctr,
            impressions: 50_000,
            clicks: 500,
            source: FeedbackSource::Simulated,
        }
    }

    #[test]
    fn gauges_tell_of_the_model_and_alarms_need_two_readings() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let watch = DriftWatch::new(Arc::new(Still));
            let value = |name: &str, predictions: &str| {
                let page = handle.render();
                let labels = format!(
                    "model=\"minilm-ridge@012345678901\",source=\"simulated\",predictions=\"{predictions}\""
                );
                let line = page.lines().find(|line| line.starts_with(&format!("{name}{{{labels}}} ")));
                line.unwrap_or_else(|| panic!("{name} {predictions}: {page}"))
                    .rsplit(' ')
                    .next()
                    .unwrap()
                    .parse::<f64>()
                    .unwrap()
            };
            watch.observe(&[outcome(0, 0.02), outcome(1, 0.02)]);
            assert!((value("spotwright_model_pcoc", "raw") - 2.0).abs() < 1e-9);
            assert_eq!(value("spotwright_model_pcoc_alarm", "raw"), 0.0);
            // The same outcomes again are nothing new.
            watch.observe(&[outcome(0, 0.02), outcome(1, 0.02)]);
            assert_eq!(value("spotwright_model_pcoc_alarm", "raw"), 0.0);
            assert_eq!(value("spotwright_model_window_clicks", "raw"), 1_000.0);
            watch.observe(&[outcome(2, 0.02), outcome(3, 0.02), outcome(4, 0.02), outcome(5, 0.02)]);
            assert_eq!(value("spotwright_model_pcoc_alarm", "raw"), 1.0);
            // What was learned from the first corrects the later ones.
            assert!(value("spotwright_model_pcoc", "calibrated") < 1.5);
            assert_eq!(value("spotwright_model_ece_alarm", "raw"), 0.0);
        });
    }
}
