//! Answers of both dialects, as one.

use serde_json::Value;
use spotwright_core::ports::clip_source::{JobState, Output};
use spotwright_schemas::money::Micros;

use crate::prices::Row;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Submitted,
    Processing,
    Done,
    Failed,
}

/// A task as either dialect tells of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) external_id: Option<String>,
    pub(super) status: Status,
    pub(super) message: String,
    pub(super) outputs: Vec<Output>,
    pub(super) charged: Option<Micros>,
    pub(super) seed: Option<u64>,
    /// The clip that an extension goes behind.
    pub(super) parent: Option<String>,
}

impl Task {
    /// Reads a task object; `None` where it has no id or an unknown status.
    pub(super) fn read(data: &Value, row: &Row) -> Option<Self> {
        let id = text(&data["task_id"]).or_else(|| text(&data["id"])).filter(|id| !id.is_empty())?;
        let status = data["task_status"].as_str().or_else(|| data["status"].as_str())?;
        let status = match status {
            "submitted" => Status::Submitted,
            "processing" => Status::Processing,
            // Each dialect has its own spelling, and either is taken from both.
            "succeed" | "succeeded" => Status::Done,
            "failed" => Status::Failed,
            _ => return None,
        };
        let info = &data["task_info"];
        let message =
            data["task_status_msg"].as_str().or_else(|| data["message"].as_str()).unwrap_or_default();
        let first = &data["task_result"]["videos"][0];
        Some(Self {
            external_id: text(&info["external_task_id"]).or_else(|| text(&data["external_id"])),
            status,
            message: message.to_owned(),
            outputs: outputs(data),
            charged: charged(data, row),
            seed: first["seed"]
                .as_u64()
                .or_else(|| first["seed"].as_str().and_then(|seed| seed.parse().ok())),
            parent: text(&info["parent_video"]["id"]),
            id,
        })
    }

    /// The state of the job; a task without outputs is not done, whatever it says. `of_failure` is what a
    /// failed one costs of which the provider tells nothing.
    pub(super) fn state(
        self,
        of_failure: Option<Micros>,
        failure: impl FnOnce(&str) -> spotwright_core::ports::clip_source::ClipError,
    ) -> JobState {
        match self.status {
            Status::Submitted => JobState::Queued,
            Status::Done if !self.outputs.is_empty() => {
                JobState::Done { outputs: self.outputs, charged: self.charged, seed: self.seed }
            }
            Status::Processing | Status::Done => JobState::Running { percent: None },
            Status::Failed => {
                let mut error = failure(&self.message);
                error.charged = self.charged.or(of_failure);
                JobState::Failed(error)
            }
        }
    }
}

/// Ids are strings, and once in a while numbers.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn outputs(data: &Value) -> Vec<Output> {
    let result = &data["task_result"];
    let lists = [&result["videos"], &result["images"], &result["audios"], &data["outputs"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    all.filter_map(|one| {
        let location =
            ["url", "url_mp3", "mp3_url", "url_wav", "wav_url"].into_iter().find_map(|name| text(&one[name]));
        Some(Output { id: text(&one["id"]).unwrap_or_default(), location: location? })
    })
    .collect()
}

/// What a task was charged, where that can be told in the row's currency.
fn charged(data: &Value, row: &Row) -> Option<Micros> {
    if let Some(billing) = data["billing"].as_array().filter(|billing| !billing.is_empty()) {
        let mut sum = Micros::ZERO;
        for line in billing {
            let amount = text(&line["amount"])?;
            let amount = match line["charge_type"].as_str()? {
                "unit" => row.units(&amount)?,
                "cash" if line["currency"].as_str() == Some(row.currency.code()) => {
                    Micros::parse_decimal(&amount).filter(|amount| *amount >= Micros::ZERO)?
                }
                _ => return None,
            };
            sum = Micros(sum.0.checked_add(amount.0)?);
        }
        return Some(sum);
    }
    let units = text(&data["final_unit_deduction"]).and_then(|units| row.units(&units));
    // Accounts without a pack pay from their balance, which has one currency: the row's.
    let balance = || {
        let quota = text(&data["final_balance_deduction"]["quota"])?;
        Micros::parse_decimal(&quota).filter(|amount| *amount >= Micros::ZERO)
    };
    match units {
        Some(units) if units > Micros::ZERO => Some(units),
        none => balance().or(none),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind};
    use spotwright_schemas::money::Currency;

    use super::*;

    fn row() -> Row {
        Row {
            model: "kling-3.0".to_owned(),
            licence: None,
            currency: Currency::USD,
            prices_of: "2026-09-20".to_owned(),
            prices: Vec::new(),
            unit_price: Some(Micros(140_000)),
            only_made: false,
        }
    }

    fn state(data: &Value) -> JobState {
        Task::read(data, &row()).unwrap().state(None, |words| ClipError::new(ClipErrorKind::Failed, words))
    }

    #[test]
    fn both_dialects_mean_the_same() {
        let legacy = json!({
            "task_id": "7", "task_status": "succeed", "task_info": {"external_task_id": "k"},
            "final_unit_deduction": "0.5",
            "task_result": {"videos": [{"id": "v", "url": "https://a/b.mp4", "duration": "5.041"}]},
        });
        let current = json!({
            "id": "7", "status": "succeeded", "external_id": "k",
            "billing": [{"charge_type": "cash", "amount": "0.07", "currency": "USD"}],
            "outputs": [{"type": "video", "id": "v", "url": "https://a/b.mp4", "duration": "5.041"}],
        });
        let expected = JobState::Done {
            outputs: vec![Output { id: "v".to_owned(), location: "https://a/b.mp4".to_owned() }],
            charged: Some(Micros(70_000)),
            seed: None,
        };
        assert_eq!(state(&legacy), expected);
        assert_eq!(state(&current), expected);
        assert_eq!(Task::read(&current, &row()).unwrap().external_id.as_deref(), Some("k"));
    }

    #[test]
    fn a_task_without_outputs_is_not_done() {
        let empty = json!({"id": "7", "status": "succeeded", "outputs": []});
        assert_eq!(state(&empty), JobState::Running { percent: None });
        assert_eq!(Task::read(&json!({"id": "7", "status": "paused"}), &row()), None);
        assert_eq!(Task::read(&json!({"status": "succeeded"}), &row()), None);
    }

    #[test]
    fn packs_and_balances_are_both_read() {
        let charged = |more: Value| {
            let mut data = json!({"task_id": "7", "task_status": "succeed"});
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Task::read(&data, &row()).unwrap().charged
        };
        let balance = json!({"quota": "0.35", "list_price": "0.5"});
        assert_eq!(charged(json!({"final_unit_deduction": "2.5"})), Some(Micros(350_000)));
        assert_eq!(charged(json!({"final_balance_deduction": balance})), Some(Micros(350_000)));
        let both = json!({"final_unit_deduction": "0", "final_balance_deduction": balance});
        assert_eq!(charged(both), Some(Micros(350_000)));
        assert_eq!(charged(json!({})), None);
    }

    #[test]
    fn charges_in_another_currency_are_not_guessed() {
        let data = json!({"id": "7", "status": "succeeded", "outputs": [{"url": "https://a/b"}],
            "billing": [{"charge_type": "cash", "amount": "1", "currency": "CNY"}]});
        assert_eq!(Task::read(&data, &row()).unwrap().charged, None);
    }
}
