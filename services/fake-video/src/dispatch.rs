//! From a call to its answer: which dialect, which faults, what goes out.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::bill::HttpCall;
use crate::call::{Call, Reply, addresses};
use crate::faults::{Dialect, Fault, Route};
use crate::jobs::Phase;
use crate::kling_rules::{Refusal, status_of};
use crate::provider::Provider;
use crate::{comfyui, kling, kling_legacy, openai_videos, outbound};

/// How often a blocking call looks whether its job has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Frames in which a file that is no MP4 is written.
const NOT_MP4: &[u8] = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>";
/// Code of a refusal with this status, for faults that name the status only.
const CODES: [(u16, u16); 7] =
    [(401, 1000), (403, 1103), (404, 1203), (429, 1302), (503, 5001), (504, 5002), (400, 1201)];

/// Answers a call. `None` resets the connection.
pub(crate) async fn answer(provider: &Arc<Provider>, mut call: Call) -> Option<Reply> {
    if call.path.starts_with("/__") {
        return Some(by_hand(provider, &call).await);
    }
    let (dialect, route) = classify(provider, &call);
    let about = about(provider, &call);
    let faults = match (dialect, route) {
        (Some(dialect), Some(route)) if !provider.is_away() => provider.plan.take(route, dialect, &about),
        _ => Vec::new(),
    };
    let noted = provider.note_call(HttpCall {
        at_ms: provider.clock.now_ms(),
        method: call.method.clone(),
        path: call.target(),
        dialect,
        route,
        status: None,
        faults: faults.clone(),
    });
    if provider.is_away() {
        return None;
    }
    let reply = match (dialect, route) {
        (Some(dialect), Some(route)) => {
            call.job_faults = faults.iter().copied().filter(|fault| fault.is_of_job()).collect();
            faulty(provider, &mut call, dialect, route, &faults).await
        }
        _ => Reply::Json(
            404,
            json!({"code": 1203, "message": "The requested resource does not exist",
            "error": {"message": "Not Found"}, "detail": "Not Found"}),
        ),
    };
    provider.note_status(noted, reply.status());
    match reply {
        Reply::Reset => None,
        Reply::Hang => std::future::pending().await,
        reply => Some(reply),
    }
}

/// Dialect and purpose of a call.
fn classify(provider: &Provider, call: &Call) -> (Option<Dialect>, Option<Route>) {
    let parts = call.parts();
    if let ["files", job, _] = parts[..] {
        let dialect = provider.state().jobs.get(job).map_or(Dialect::KlingLegacy, |job| job.asked.dialect);
        return (Some(dialect), Some(Route::Download));
    }
    let method = call.method.as_str();
    let found = kling_legacy::route(method, &parts)
        .map(|route| (Dialect::KlingLegacy, route))
        .or_else(|| kling::route(method, &parts).map(|route| (Dialect::Kling, route)))
        .or_else(|| openai_videos::route(method, &parts).map(|route| (Dialect::OpenaiVideos, route)))
        .or_else(|| comfyui::route(method, &parts).map(|route| (Dialect::Comfyui, route)));
    found.map_or((None, None), |(dialect, route)| (Some(dialect), Some(route)))
}

/// Text that rules look into: path, body, and key and prompt of the jobs that the path names.
fn about(provider: &Provider, call: &Call) -> String {
    let target = call.target();
    let mut about = format!("{target}\n{}", String::from_utf8_lossy(&call.body));
    for generation in &provider.state().log.generations {
        if target.contains(&generation.job) {
            about.push('\n');
            about.push_str(generation.key.as_deref().unwrap_or_default());
            about.push('\n');
            about.push_str(&generation.prompt);
        }
    }
    about
}

async fn faulty(
    provider: &Arc<Provider>,
    call: &mut Call,
    dialect: Dialect,
    route: Route,
    faults: &[Fault],
) -> Reply {
    for fault in faults {
        match *fault {
            Fault::Code(code) => return refusal(provider, call, dialect, code, status_of(code)),
            Fault::Status(status) => {
                let code = CODES.iter().find(|(known, _)| *known == status).map_or(5000, |(_, code)| *code);
                return refusal(provider, call, dialect, code, status);
            }
            Fault::Hang { accepted: false } => return Reply::Hang,
            Fault::Reset { accepted: false } => return Reply::Reset,
            Fault::Restart { keeps_jobs } => {
                provider.restart(keeps_jobs);
                return Reply::Reset;
            }
            _ => {}
        }
    }
    let reply = honest(provider, call, dialect, route).await;
    if faults.contains(&Fault::Hang { accepted: true }) {
        return Reply::Hang;
    }
    if faults.contains(&Fault::Reset { accepted: true }) {
        return Reply::Reset;
    }
    reply
}

/// A refusal in the dialect's form.
fn refusal(provider: &Provider, call: &Call, dialect: Dialect, code: u16, status: u16) -> Reply {
    let refusal = Refusal::of_code(code);
    match dialect {
        Dialect::KlingLegacy | Dialect::Kling => {
            let request = provider.state().count();
            match refusal.reply(request) {
                Reply::Json(_, body) => Reply::Json(status, body),
                other => other,
            }
        }
        Dialect::OpenaiVideos => openai_videos::refusal(provider, call, status, &refusal.message),
        Dialect::Comfyui => Reply::Json(status, json!({"error": refusal.message})),
    }
}

async fn honest(provider: &Arc<Provider>, call: &mut Call, dialect: Dialect, route: Route) -> Reply {
    if route == Route::Create {
        for address in call.json().map(|body| addresses(&body)).unwrap_or_default() {
            let found = outbound::get(&address).await;
            call.fetched.insert(address, found);
        }
    }
    let reply = if call.parts().first() == Some(&"files") {
        file(provider, call)
    } else {
        match dialect {
            Dialect::KlingLegacy => kling_legacy::answer(provider, call),
            Dialect::Kling => kling::answer(provider, call),
            Dialect::OpenaiVideos => openai_videos::answer(provider, call),
            Dialect::Comfyui => comfyui::answer(provider, call),
        }
    };
    let reply = match reply {
        Reply::WhenDone { job } => wait(provider, &job).await,
        reply => reply,
    };
    match reply {
        Reply::Output { job, index, faults } => output(provider, call, &job, index, faults).await,
        reply => reply,
    }
}

/// `/files/{job}/{index}.{ending}`: what a Kling task made, until 30 days later.
fn file(provider: &Provider, call: &Call) -> Reply {
    let gone = || Reply::Json(404, json!({"message": "the file does not exist"}));
    let parts = call.parts();
    let ["files", id, name] = parts[..] else { return gone() };
    let state = provider.state();
    let now = provider.clock.now_ms();
    let job = state.jobs.get(id).filter(|job| {
        job.phase == Phase::Done && job.is_known() && !job.is_purged(now) && !job.has(Fault::NoOutputs)
    });
    let index = name.split_once('.').and_then(|(index, _)| index.parse().ok());
    let (Some(job), Some(index), "GET") = (job, index, call.method.as_str()) else { return gone() };
    Reply::Output { job: id.to_owned(), index, faults: job.asked.faults.clone() }
}

/// Waits for a job's end, as `/v1/videos/sync` does.
async fn wait(provider: &Provider, id: &str) -> Reply {
    loop {
        let standing = {
            let state = provider.state();
            state.jobs.get(id).map(|job| (job.phase, job.asked.faults.clone()))
        };
        match standing {
            Some((Phase::Done, faults)) => return Reply::Output { job: id.to_owned(), index: 0, faults },
            Some((Phase::Queued | Phase::Running, _)) => tokio::time::sleep(LOOK_EVERY).await,
            Some(_) => return Reply::Json(500, json!({"error": {"message": "generation failed"}})),
            None => return Reply::Reset,
        }
    }
}

/// Makes an output and spoils it by the job's faults and the call's.
async fn output(provider: &Provider, call: &Call, job: &str, index: u32, mut faults: Vec<Fault>) -> Reply {
    // The faults of a call that created the job are the job's already.
    let more: Vec<Fault> = call.job_faults.iter().copied().filter(|fault| !faults.contains(fault)).collect();
    faults.extend(more);
    if faults.contains(&Fault::ExpiredUrl) {
        return Reply::Json(403, json!({"message": "the address has expired"}));
    }
    let media_type = {
        let state = provider.state();
        state.jobs.get(job).map_or("application/octet-stream", |job| job.asked.work.kind().1).to_owned()
    };
    if faults.contains(&Fault::NotMp4) {
        return Reply::Bytes { media_type, bytes: Bytes::from_static(NOT_MP4) };
    }
    let bytes = match provider.output(job, index, &faults).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Reply::Json(404, json!({"message": "the file does not exist"})),
        Err(error) => return Reply::Json(500, json!({"message": error.to_string()})),
    };
    let half = bytes.len() / 2;
    for fault in faults {
        match fault {
            Fault::Truncated { honest_length } => {
                return Reply::Half { media_type, bytes, sent: half, breaks: !honest_length };
            }
            Fault::Slow(bytes_per_second) => return Reply::Slow { media_type, bytes, bytes_per_second },
            _ => {}
        }
    }
    Reply::Bytes { media_type, bytes }
}

/// The test's hand: paths that begin with `/__`.
async fn by_hand(provider: &Arc<Provider>, call: &Call) -> Reply {
    let query = |name: &str| call.query.get(name).map(String::as_str);
    let refused = |message: String| Reply::Json(400, json!({"message": message}));
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/__log") => {
            let log = serde_json::to_value(&provider.state().log);
            Reply::Json(200, log.unwrap_or(Value::Null))
        }
        ("POST", "/__advance") => match query("ms").and_then(|ms| ms.parse::<i64>().ok()) {
            Some(ms) => {
                advance(provider, ms).await;
                Reply::Json(200, json!({"now_ms": provider.clock.now_ms()}))
            }
            None => refused("say how far: `?ms=N`".to_owned()),
        },
        ("POST", "/__restart") => {
            provider.restart(query("keeps_jobs") == Some("true"));
            Reply::Json(200, json!({}))
        }
        ("POST", "/__fault") => match std::str::from_utf8(&call.body) {
            Ok(text) => match text.lines().try_for_each(|line| provider.plan.read(line)) {
                Ok(()) => Reply::Json(200, json!({})),
                Err(error) => refused(error.to_string()),
            },
            Err(_) => refused("the body is not text".to_owned()),
        },
        _ => Reply::Json(404, json!({"message": "no such hand"})),
    }
}

/// Moves time on, and waits until every callback that is due was sent.
pub(crate) async fn advance(provider: &Provider, ms: i64) {
    provider.clock.advance_ms(ms);
    drop(provider.state());
    let mut unsent = provider.unsent.subscribe();
    // The sender lives in the provider, so that the wait ends by the count alone.
    drop(unsent.wait_for(|unsent| *unsent == 0).await);
}
