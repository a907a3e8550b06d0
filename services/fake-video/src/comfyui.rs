//! ComfyUI's server: prompts, queue, history, jobs, files. Every route also below `/api`.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::{Call, Reply};
use crate::comfyui_graph::{classes, read};
use crate::faults::{Dialect, Fault, Route};
use crate::jobs::{Job, NewJob, Phase, Pool};
use crate::multipart::Form;
use crate::picture::Picture;
use crate::provider::{Provider, State};
use crate::wire::digest;

/// Version that `/system_stats` tells.
const VERSION: &str = "0.3.76";
/// Memory that `/system_stats` tells, in bytes.
const MEMORY: u64 = 24 << 30;

/// The path without its `/api`. `None` for an `/api` that is no route's.
fn below<'a, 'b>(parts: &'b [&'a str]) -> &'b [&'a str] {
    if parts.first() == Some(&"api") { &parts[1..] } else { parts }
}

/// What a call to this dialect is for. `None` when it belongs to another one.
pub(crate) fn route(method: &str, parts: &[&str]) -> Option<Route> {
    match (method, below(parts)) {
        ("POST", ["prompt"]) => Some(Route::Create),
        ("POST", ["queue" | "interrupt" | "history"]) => Some(Route::Cancel),
        ("GET", ["prompt" | "queue" | "history"] | ["history", _]) => Some(Route::Poll),
        // Jobs are below `/api` only.
        ("GET", ["jobs"] | ["jobs", _]) if parts.len() > below(parts).len() => Some(Route::Poll),
        ("GET", ["view"]) => Some(Route::Download),
        ("POST", ["upload", "image"]) => Some(Route::Upload),
        ("GET", ["system_stats" | "object_info"] | ["object_info", _]) => Some(Route::Describe),
        _ => None,
    }
}

/// Answers a call.
pub(crate) fn answer(provider: &Provider, call: &Call) -> Reply {
    let parts = call.parts();
    let mut state = provider.state();
    match (call.method.as_str(), below(&parts)) {
        ("POST", ["prompt"]) => create(provider, &mut state, call),
        ("GET", ["prompt"]) => {
            let remaining = state.jobs.open_in(Pool::Comfyui).count();
            Reply::Json(200, json!({"exec_info": {"queue_remaining": remaining}}))
        }
        ("GET", ["queue"]) => Reply::Json(200, queue(&state)),
        ("POST", ["queue"]) => change_queue(provider, &mut state, call),
        ("POST", ["interrupt"]) => interrupt(provider, &mut state, call),
        ("POST", ["history"]) => change_history(provider, &mut state, call),
        ("GET", ["history"]) => {
            let ended = state
                .jobs
                .in_order()
                .into_iter()
                .filter_map(|job| Some((job.asked.id.clone(), history(job)?)));
            Reply::Json(200, Value::Object(ended.collect()))
        }
        ("GET", ["history", id]) => {
            let entry = state.jobs.get(id).and_then(history);
            Reply::Json(200, entry.map_or_else(|| json!({}), |entry| json!({*id: entry})))
        }
        ("GET", ["jobs"]) if provider.options.jobs_api => jobs(&state, call),
        ("GET", ["jobs", id]) if provider.options.jobs_api => {
            let job = state.jobs.get(id).and_then(|job| self::job(job, true));
            job.map_or_else(
                || Reply::Json(404, json!({"error": "Job not found"})),
                |job| Reply::Json(200, job),
            )
        }
        ("GET", ["view"]) => view(&state, call),
        ("POST", ["upload", "image"]) => upload(&mut state, call),
        ("GET", ["system_stats"]) => Reply::Json(200, system_stats()),
        ("GET", ["object_info", rest @ ..]) => {
            let wanted = rest.first();
            let known = classes(&provider.options.more_nodes)
                .filter(|class| wanted.is_none_or(|wanted| wanted == class))
                .map(|class| {
                    let info = json!({"name": class, "display_name": class, "category": "simulated",
                        "input": {"required": {}}, "output": [], "output_node": class.starts_with("Save")});
                    (class.to_owned(), info)
                });
            Reply::Json(200, Value::Object(known.collect()))
        }
        _ => Reply::Json(404, json!({"error": "404: Not Found"})),
    }
}

fn create(provider: &Provider, state: &mut State, call: &Call) -> Reply {
    let Some(body) = call.json() else { return Reply::Json(400, json!({"error": "Invalid JSON"})) };
    let runnable = match read(&body["prompt"], &provider.options.more_nodes, state) {
        Ok(runnable) => runnable,
        Err(refused) => return Reply::Json(400, refused),
    };
    let number = state.count();
    // A client may choose the id, as long as it is new here.
    let chosen = body["prompt_id"].as_str().filter(|id| Uuid::parse_str(id).is_ok());
    let chosen = chosen.filter(|id| state.jobs.get(id).is_none()).map(str::to_owned);
    let id = chosen.clone().unwrap_or_else(|| id_of(number));
    let price = match &runnable.work {
        crate::clip::Work::Clip(footage) => provider.options.prices.server_clip(footage.frames, footage.fps),
        _ => provider.options.prices.server_clip(1, 1),
    };
    let key = body["extra_data"]["key"].as_str().map(str::to_owned).or(chosen);
    let (node, field) = runnable.output;
    let asked = NewJob {
        id: id.clone(),
        pool: Pool::Comfyui,
        dialect: Dialect::Comfyui,
        resource: "prompt".to_owned(),
        key,
        request: digest("prompt", &call.body),
        slots: 1,
        echo: json!({"graph": body["prompt"], "extra_data": body["extra_data"],
            "client_id": body["client_id"], "node": node, "field": field, "number": number}),
        work: runnable.work,
        price,
        currency: provider.options.prices.server_currency,
        callback_url: None,
        faults: call.job_faults.clone(),
    };
    // A queue of its own takes everything.
    drop(provider.submit(state, asked));
    Reply::Json(200, json!({"prompt_id": id, "number": number, "node_errors": {}}))
}

/// A UUID (version 8) that follows from the number of the prompt.
fn id_of(number: u64) -> String {
    let digest = blake3::hash(format!("prompt {number}").as_bytes());
    Uuid::new_v8(std::array::from_fn(|idx| digest.as_bytes()[idx])).to_string()
}

/// `[number, id, graph, extra data, outputs]`.
fn entry(job: &Job) -> Value {
    let echo = &job.asked.echo;
    let mut extra = echo["extra_data"].as_object().cloned().unwrap_or_default();
    if let Some(client) = echo["client_id"].as_str() {
        extra.insert("client_id".to_owned(), Value::from(client));
    }
    extra.insert("create_time".to_owned(), Value::from(job.accepted_ms));
    json!([echo["number"], job.asked.id, echo["graph"], extra, [echo["node"]]])
}

/// Whether the server runs, or says that it runs, a job.
fn seems_running(job: &Job) -> bool {
    job.phase == Phase::Running || (job.phase == Phase::Queued && job.has(Fault::RunningWhileQueued))
}

fn queue(state: &State) -> Value {
    let shown = || state.jobs.open_in(Pool::Comfyui).filter(|job| !job.hidden);
    let (running, pending): (Vec<_>, Vec<_>) = shown().partition(|job| seems_running(job));
    let entries = |jobs: Vec<&Job>| jobs.into_iter().map(entry).collect::<Vec<Value>>();
    json!({"queue_running": entries(running), "queue_pending": entries(pending)})
}

fn change_queue(provider: &Provider, state: &mut State, call: &Call) -> Reply {
    let Some(body) = call.json() else { return Reply::Json(400, json!({"error": "Invalid JSON"})) };
    let clears = body["clear"].as_bool().unwrap_or(false);
    let listed: Vec<&str> =
        body["delete"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // Only what waits can be taken out of the queue.
    let ids: Vec<String> = state
        .jobs
        .open_in(Pool::Comfyui)
        .filter(|job| job.phase == Phase::Queued && (clears || listed.contains(&job.asked.id.as_str())))
        .map(|job| job.asked.id.clone())
        .collect();
    for id in ids {
        provider.cancel(state, &id);
    }
    Reply::Json(200, json!({}))
}

fn interrupt(provider: &Provider, state: &mut State, call: &Call) -> Reply {
    let body = call.json().unwrap_or(Value::Null);
    let wanted = body["prompt_id"].as_str();
    let running = state
        .jobs
        .open_in(Pool::Comfyui)
        .find(|job| job.phase == Phase::Running && !job.hidden && wanted.is_none_or(|id| id == job.asked.id));
    if let Some(id) = running.map(|job| job.asked.id.clone()) {
        provider.cancel(state, &id);
    }
    Reply::Json(200, json!({}))
}

fn change_history(provider: &Provider, state: &mut State, call: &Call) -> Reply {
    let Some(body) = call.json() else { return Reply::Json(400, json!({"error": "Invalid JSON"})) };
    let clears = body["clear"].as_bool().unwrap_or(false);
    let listed: Vec<&str> =
        body["delete"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let ended = state.jobs.in_order().into_iter().filter(|job| {
        let named = clears || listed.contains(&job.asked.id.as_str());
        job.asked.pool == Pool::Comfyui && job.phase.is_end() && named
    });
    let ids: Vec<String> = ended.map(|job| job.asked.id.clone()).collect();
    for id in ids {
        provider.cancel(state, &id);
    }
    Reply::Json(200, json!({}))
}

/// The job's entry in the history; `None` while it has none.
fn history(job: &Job) -> Option<Value> {
    let of_server = job.asked.pool == Pool::Comfyui && job.is_known();
    // An interrupted prompt keeps its entry; one that was taken out of the queue never had one.
    let interrupted = job.phase == Phase::Cancelled && job.started_ms.is_some();
    let shown = interrupted || (!job.hidden && job.phase.is_end());
    if !of_server || !shown {
        return None;
    }
    let id = &job.asked.id;
    let message = |name: &str, at: Option<i64>, more: Value| {
        let mut fields = json!({"prompt_id": id, "timestamp": at});
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        json!([name, fields])
    };
    let started = message("execution_start", job.started_ms, json!({}));
    let (word, completed, last) = match job.phase {
        Phase::Done => ("success", true, message("execution_success", job.ended_ms, json!({}))),
        Phase::Failed => {
            let words = if job.has(Fault::FailsPolicy) {
                "the prompt was refused by the safety checker"
            } else {
                "Allocation on device 0 would exceed allowed memory. (out of memory)"
            };
            let about = json!({"node_id": job.asked.echo["node"], "node_type": "KSampler",
                "exception_type": "torch.OutOfMemoryError", "exception_message": words});
            ("error", false, message("execution_error", job.ended_ms, about))
        }
        _ => ("error", false, message("execution_interrupted", job.ended_ms, json!({}))),
    };
    let status = json!({"status_str": word, "completed": completed, "messages": [started, last]});
    if job.has(Fault::NoOutputs) {
        return Some(json!({"prompt": entry(job), "outputs": {}, "meta": {}}));
    }
    Some(json!({"prompt": entry(job), "outputs": outputs(job), "status": status, "meta": {}}))
}

fn outputs(job: &Job) -> Value {
    let echo = &job.asked.echo;
    let (Some(node), Some(field), Phase::Done) = (echo["node"].as_str(), echo["field"].as_str(), job.phase)
    else {
        return json!({});
    };
    let file = json!({"filename": file_name(job), "subfolder": "video", "type": "output"});
    let animated = matches!(job.asked.work, crate::clip::Work::Clip(_));
    json!({node: {field: [file], "animated": [animated]}})
}

fn file_name(job: &Job) -> String {
    format!("{}_00001_.{}", job.asked.id, job.asked.work.kind().0)
}

/// A job as `/api/jobs` tells of it.
fn job(job: &Job, with_outputs: bool) -> Option<Value> {
    if job.asked.pool != Pool::Comfyui {
        return None;
    }
    let mut told = json!({
        "id": job.asked.id,
        "priority": job.asked.echo["number"],
        "create_time": job.accepted_ms,
        "outputs_count": 0,
    });
    if !job.phase.is_end() {
        if job.hidden {
            return None;
        }
        told["status"] = Value::from(if seems_running(job) { "in_progress" } else { "pending" });
        return Some(told);
    }
    let history = history(job)?;
    let outputs = history["outputs"].clone();
    told["outputs_count"] = Value::from(outputs.as_object().map_or(0, serde_json::Map::len));
    // An entry without a status counts as completed.
    let failed = history["status"]["status_str"] == "error";
    told["status"] = Value::from(if failed { "failed" } else { "completed" });
    for (name, at) in [("execution_start_time", job.started_ms), ("execution_end_time", job.ended_ms)] {
        if let Some(at) = at {
            told[name] = Value::from(at);
        }
    }
    if failed {
        told["execution_error"] = history["status"]["messages"][1][1].clone();
    }
    if with_outputs {
        told["outputs"] = outputs;
        told["execution_status"] = history["status"].clone();
    }
    Some(told)
}

fn jobs(state: &State, call: &Call) -> Reply {
    let wanted = call.query.get("status");
    let number = |name: &str| call.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let matching =
        |job: &Value| wanted.is_none_or(|wanted| wanted.split(',').any(|word| job["status"] == word));
    let all: Vec<Value> =
        state.jobs.in_order().into_iter().rev().filter_map(|one| job(one, false)).filter(matching).collect();
    let (offset, limit) = (number("offset").unwrap_or(0), number("limit"));
    let total = all.len();
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit.unwrap_or(total)).collect();
    let has_more = offset + page.len() < total;
    let pagination = json!({"offset": offset, "limit": limit, "total": total, "has_more": has_more});
    Reply::Json(200, json!({"jobs": page, "pagination": pagination}))
}

fn view(state: &State, call: &Call) -> Reply {
    let missing = || Reply::Json(404, json!({"error": "404: Not Found"}));
    let Some(name) = call.query.get("filename") else {
        return Reply::Json(400, json!({"error": "filename is needed"}));
    };
    if call.query.get("type").is_some_and(|kind| kind == "input") {
        let subfolder = call.query.get("subfolder").map(String::as_str).unwrap_or_default();
        let path = if subfolder.is_empty() { name.clone() } else { format!("{subfolder}/{name}") };
        return state.uploads.get(&path).map_or_else(missing, |bytes| Reply::Bytes {
            media_type: "image/png".to_owned(),
            bytes: bytes.clone(),
        });
    }
    // Files stay on the disk whatever becomes of the history.
    let jobs = state.jobs.in_order();
    let made = jobs.into_iter().find(|job| job.asked.pool == Pool::Comfyui && file_name(job) == *name);
    match made.filter(|job| job.phase == Phase::Done && job.is_known() && !job.has(Fault::NoOutputs)) {
        Some(job) => Reply::Output { job: job.asked.id.clone(), index: 0, faults: job.asked.faults.clone() },
        None => missing(),
    }
}

fn upload(state: &mut State, call: &Call) -> Reply {
    let content_type = call.headers.get("content-type").map(String::as_str).unwrap_or_default();
    let Some(form) = Form::read(content_type, &call.body) else {
        return Reply::Json(400, json!({"error": "the form is not well-formed"}));
    };
    let Some((name, bytes)) = form.files.get("image") else {
        return Reply::Json(400, json!({"error": "image is needed"}));
    };
    let subfolder = form.fields.get("subfolder").map(String::as_str).unwrap_or_default();
    if [name.as_str(), subfolder].iter().any(|part| part.contains("..") || part.starts_with('/')) {
        return Reply::Json(400, json!({"error": "the name leads out of the folder"}));
    }
    if Picture::decode(bytes).is_err() {
        return Reply::Json(400, json!({"error": "the file is no picture"}));
    }
    let overwrites = form.fields.get("overwrite").is_some_and(|flag| flag == "true" || flag == "1");
    let path = |name: &str| {
        if subfolder.is_empty() { name.to_owned() } else { format!("{subfolder}/{name}") }
    };
    let mut kept = name.clone();
    let mut copies = 0;
    // The same bytes under the same name are one file; others get a name of their own.
    while !overwrites && state.uploads.get(&path(&kept)).is_some_and(|before| before != bytes) {
        copies += 1;
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "png"));
        kept = format!("{stem} ({copies}).{ending}");
    }
    state.uploads.insert(path(&kept), bytes.clone());
    Reply::Json(200, json!({"name": kept, "subfolder": subfolder, "type": "input"}))
}

fn system_stats() -> Value {
    json!({
        "system": {"os": "posix", "comfyui_version": VERSION, "python_version": "simulated",
            "pytorch_version": "simulated", "ram_total": MEMORY, "ram_free": MEMORY / 2},
        "devices": [{"name": "simulated", "type": "cuda", "index": 0, "vram_total": MEMORY,
            "vram_free": MEMORY / 2}],
    })
}
