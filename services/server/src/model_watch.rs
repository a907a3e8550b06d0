//! Takes up another click model while `serve` runs.

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::ports::click_model::ClickModel as _;
use spotwright_core::spine::Shutdown;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::hot::{HotModel, Refresh};

/// What the last look came to, so that a lasting fault is told of once.
#[derive(Debug, Default)]
pub struct ModelWatch {
    refused: Option<String>,
}

impl ModelWatch {
    /// Names the model that serves, and the counters of exchanges.
    #[must_use]
    pub fn new(model: &HotModel) -> Self {
        for outcome in ["exchanged", "refused"] {
            metrics::counter!("spotwright_model_exchanges_total", "outcome" => outcome).absolute(0);
        }
        metrics::gauge!("spotwright_model_refused").set(0.0);
        metrics::gauge!("spotwright_model_serving", "model" => model.id()).set(1.0);
        Self::default()
    }

    /// Looks for another version once.
    ///
    /// # Errors
    /// [`Code::ModelFile`] when there is one that cannot serve; the one before goes on.
    pub fn look(&mut self, model: &HotModel) -> Result<Refresh, Problem> {
        let looked = model.refresh();
        metrics::gauge!("spotwright_model_refused").set(f64::from(u8::from(looked.is_err())));
        match looked {
            Ok(refresh) => {
                self.refused = None;
                if let Refresh::Exchanged { from, to } = &refresh {
                    metrics::counter!("spotwright_model_exchanges_total", "outcome" => "exchanged")
                        .increment(1);
                    metrics::gauge!("spotwright_model_serving", "model" => from.clone()).set(0.0);
                    metrics::gauge!("spotwright_model_serving", "model" => to.clone()).set(1.0);
                    tracing::info!(from, to, "another click model serves");
                }
                Ok(refresh)
            }
            Err(error) => {
                let problem = Problem::new(Code::ModelFile, "models.folder", error.to_string());
                if self.refused.as_ref() != Some(&problem.message) {
                    metrics::counter!("spotwright_model_exchanges_total", "outcome" => "refused")
                        .increment(1);
                    tracing::error!(%problem, serving = model.id(), "a click model is refused; the one before goes on");
                    self.refused = Some(problem.message.clone());
                }
                Err(problem)
            }
        }
    }
}

/// Looks for another version again and again until told to stop.
///
/// # Errors
/// None of the models': those are logged and counted. [`Code::Store`] when a look ends abnormally.
pub async fn watch(model: Arc<HotModel>, every: Duration, mut shutdown: Shutdown) -> Result<(), Problem> {
    let mut watch = ModelWatch::new(&model);
    while !shutdown.is_set() {
        tokio::select! {
            () = shutdown.wait() => return Ok(()),
            () = tokio::time::sleep(every) => {}
        }
        let asked = Arc::clone(&model);
        let looked = tokio::task::spawn_blocking(move || {
            // Told of already, as logs and metrics.
            let _known = watch.look(&asked);
            watch
        });
        watch = looked.await.map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use metrics_exporter_prometheus::PrometheusBuilder;
    use spotwright_scoring::registry::REGISTRY_FOLDER;

    use super::*;

    #[test]
    fn a_damaged_version_is_counted_once_and_the_old_one_goes_on() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let folder = tempfile::tempdir().expect("a folder");
        metrics::with_local_recorder(&recorder, || {
            let model = HotModel::open(folder.path()).expect("the shipped model");
            let serving = model.id();
            let mut watch = ModelWatch::new(&model);
            assert_eq!(watch.look(&model).expect("nothing new"), Refresh::Unchanged);
            let registry = folder.path().join(REGISTRY_FOLDER);
            fs::create_dir_all(&registry).expect("created");
            fs::write(registry.join("current"), "spotwright.current.v1\nnonsense\n").expect("written");
            for _ in 0..3 {
                let problem = watch.look(&model).expect_err("refused");
                assert_eq!(problem.code, Code::ModelFile);
            }
            assert_eq!(model.id(), serving);
            let page = handle.render();
            assert!(page.contains("spotwright_model_exchanges_total{outcome=\"refused\"} 1"), "{page}");
            assert!(page.contains("spotwright_model_refused 1"), "{page}");
            assert!(page.contains(&format!("spotwright_model_serving{{model=\"{serving}\"}} 1")), "{page}");
            fs::write(registry.join("current"), "spotwright.current.v1\nshipped\n").expect("written");
            assert_eq!(watch.look(&model).expect("mended"), Refresh::Unchanged);
            assert!(handle.render().contains("spotwright_model_refused 0"));
        });
    }
}
