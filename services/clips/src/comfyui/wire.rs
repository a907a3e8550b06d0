//! What the server tells of prompts: queue, history and jobs.

use serde_json::Value;
use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind, JobState, Output};
use url::form_urlencoded;

use crate::words::is_policy;

/// Code of the failure of a prompt that ended without a file.
pub(super) const NO_OUTPUT: &str = "no_output";

/// The name of our key in `extra_data`.
pub(super) const KEY: &str = "spotwright_key";

/// Endings of clips, in the order in which they are preferred where a node has several files.
const ENDINGS: [&str; 6] = [".mp4", ".mov", ".webm", ".webp", ".png", ".jpg"];

/// Where in the queue a prompt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Running,
    Pending,
}

/// The prompt in the answer of `/queue`: entries are `[number, id, graph, extra data, outputs]`.
pub(super) fn in_queue(queue: &Value, is_wanted: impl Fn(&str, &Value) -> bool) -> Option<(String, Place)> {
    let lists = [("queue_running", Place::Running), ("queue_pending", Place::Pending)];
    lists.into_iter().find_map(|(name, place)| {
        let entries = queue[name].as_array()?;
        let id = entries.iter().find_map(|entry| {
            let id = entry[1].as_str()?;
            is_wanted(id, &entry[3]).then(|| id.to_owned())
        });
        Some((id?, place))
    })
}

/// The prompt in the answer of `/history`: by id an object whose `prompt` is an entry as in the queue.
pub(super) fn in_history(history: &Value, is_wanted: impl Fn(&str, &Value) -> bool) -> Option<String> {
    let entries = history.as_object()?;
    let found = entries.iter().find(|(id, entry)| is_wanted(id, &entry["prompt"][3]));
    found.map(|(id, _)| id.clone())
}

/// The state of a prompt that the history holds.
pub(super) fn of_history(entry: &Value, output: &str, excerpt: impl Fn(&str) -> String) -> JobState {
    let status = &entry["status"];
    let messages = status["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let event =
        |name: &str| messages.iter().find(|event| event[0].as_str() == Some(name)).map(|event| &event[1]);
    if was_interrupted(entry) {
        return failed("interrupted", "the prompt was interrupted at the server".to_owned());
    }
    if status["status_str"].as_str() == Some("error") {
        let words = event("execution_error").map(said).unwrap_or_default();
        return failed("execution_error", excerpt(&words));
    }
    of_outputs(&entry["outputs"], output)
}

/// Whether an entry of the history says that the prompt was interrupted.
pub(super) fn was_interrupted(entry: &Value) -> bool {
    let messages = entry["status"]["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().any(|event| event[0].as_str() == Some("execution_interrupted"))
}

/// The state that `/api/jobs/{id}` tells; `None` where it is not understood.
pub(super) fn of_job(job: &Value, output: &str, excerpt: impl Fn(&str) -> String) -> Option<JobState> {
    Some(match job["status"].as_str() {
        Some("pending") => JobState::Queued,
        Some("in_progress") => JobState::Running { percent: None },
        Some("failed" | "error") => failed("execution_error", excerpt(&said(&job["execution_error"]))),
        Some("cancelled" | "interrupted") => {
            failed("interrupted", "the prompt was interrupted at the server".to_owned())
        }
        // A status that the server has lost is told as completed; the outputs decide.
        Some("completed") | None if job.is_object() => of_outputs(&job["outputs"], output),
        _ => return None,
    })
}

fn said(error: &Value) -> String {
    let part = |name: &str| error[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let words = [part("node_type"), part("exception_type"), part("exception_message")];
    words.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

fn failed(code: &str, words: String) -> JobState {
    // Nodes that check content fail with words of their own.
    let kind = if is_policy(&words) { ClipErrorKind::Policy } else { ClipErrorKind::Failed };
    let message = if words.is_empty() { "the prompt failed".to_owned() } else { words };
    let error = ClipError::new(kind, message);
    JobState::Failed(ClipError { code: Some(code.to_owned()), ..error })
}

fn of_outputs(outputs: &Value, output: &str) -> JobState {
    let files = files(&outputs[output]);
    let best = files.into_iter().min_by_key(|(rank, _)| *rank);
    match best {
        Some((_, output)) => JobState::Done { outputs: vec![output], charged: None, seed: None },
        None => failed(NO_OUTPUT, "the prompt ended without a file".to_owned()),
    }
}

/// The files of a node, each with the rank of its ending. Nodes sort them into `images`, `gifs`, `videos` and
/// others.
fn files(node: &Value) -> Vec<(usize, Output)> {
    let lists = node.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array());
    lists
        .flatten()
        .filter(|file| file["type"].as_str().is_none_or(|kind| kind == "output"))
        .filter_map(|file| {
            let name = file["filename"].as_str()?;
            let lower = name.to_lowercase();
            let rank = ENDINGS.iter().position(|ending| lower.ends_with(ending))?;
            let subfolder = file["subfolder"].as_str().unwrap_or_default();
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("filename", name)
                .append_pair("subfolder", subfolder)
                .append_pair("type", "output")
                .finish();
            Some((rank, Output { id: name.to_owned(), location: query }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn history(outputs: &Value, status: &Value) -> JobState {
        of_history(&json!({ "outputs": outputs, "status": status }), "save", str::to_owned)
    }

    #[test]
    fn a_prompt_is_done_when_its_output_node_has_a_file() {
        let outputs = json!({
            "other": { "images": [{ "filename": "x.png", "subfolder": "", "type": "output" }] },
            "save": { "images": [{ "filename": "a b.mp4", "subfolder": "video", "type": "output" }], "animated": [true] },
        });
        let JobState::Done { outputs: found, .. } = history(&outputs, &json!({ "status_str": "success" }))
        else {
            panic!("not done");
        };
        assert_eq!(found[0].location, "filename=a+b.mp4&subfolder=video&type=output");
        // The status is lost: the outputs decide.
        assert!(matches!(history(&outputs, &Value::Null), JobState::Done { .. }));
        for nothing in [json!({}), json!({ "save": { "images": [] } }), Value::Null] {
            let JobState::Failed(error) = history(&nothing, &Value::Null) else { panic!("not failed") };
            assert_eq!(error.code.as_deref(), Some("no_output"));
        }
    }

    #[test]
    fn failures_say_which_node_failed() {
        let status = json!({ "status_str": "error", "messages": [
            ["execution_error", { "node_type": "KSampler", "exception_message": "out of memory" }],
        ]});
        let JobState::Failed(error) = history(&Value::Null, &status) else { panic!("not failed") };
        assert_eq!(error.message, "KSampler: out of memory");
        let status = json!({ "status_str": "error", "messages": [["execution_interrupted", {}]] });
        let JobState::Failed(error) = history(&Value::Null, &status) else { panic!("not failed") };
        assert_eq!(error.code.as_deref(), Some("interrupted"));
    }

    #[test]
    fn jobs_are_read_in_all_their_states() {
        let state = |job: Value| of_job(&job, "save", str::to_owned);
        assert_eq!(state(json!({ "status": "pending" })), Some(JobState::Queued));
        assert_eq!(state(json!({ "status": "in_progress" })), Some(JobState::Running { percent: None }));
        assert!(matches!(state(json!({ "status": "completed", "outputs": {} })), Some(JobState::Failed(_))));
        assert_eq!(state(json!({ "status": "sleeping" })), None);
        assert_eq!(state(json!([])), None);
    }

    #[test]
    fn prompts_are_found_by_id_and_by_key() {
        let queue = json!({
            "queue_running": [[1, "a", {}, { "spotwright_key": "k1" }, []]],
            "queue_pending": [[2, "b", {}, {}, []]],
        });
        let by_key = |_: &str, extra: &Value| extra[KEY].as_str() == Some("k1");
        assert_eq!(in_queue(&queue, by_key), Some(("a".to_owned(), Place::Running)));
        assert_eq!(in_queue(&queue, |id, _| id == "b"), Some(("b".to_owned(), Place::Pending)));
        assert_eq!(in_queue(&json!({}), by_key), None);
        let history = json!({ "c": { "prompt": [3, "c", {}, { "spotwright_key": "k1" }, []] } });
        assert_eq!(in_history(&history, by_key), Some("c".to_owned()));
    }
}
