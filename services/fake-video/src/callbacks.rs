//! Callbacks of Kling's dialects, true and forged.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::bill::CallbackSent;
use crate::credentials::sign_webhook;
use crate::faults::{Dialect, Fault, Forgery};
use crate::jobs::{Change, Job, Phase};
use crate::provider::Provider;
use crate::{kling, kling_legacy, outbound};

/// A task that never existed.
const UNKNOWN_TASK: &str = "999999999999999999";
/// A secret that is not the provider's.
const FORGERS_SECRET: &str = "whsec_bm90IHRoZSBwcm92aWRlcidzIHNlY3JldA==";
/// How often a repeated callback is sent.
const REPEATS: usize = 3;

/// A callback that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    url: String,
    body: Value,
    job: String,
    says: String,
    secret: Option<String>,
    forged: bool,
}

/// What is sent about a change, in order.
pub(crate) fn about(provider: &Provider, job: &Job, change: &Change) -> Vec<Callback> {
    let Some(url) = &job.asked.callback_url else { return Vec::new() };
    let secret = provider.options.webhook_secret.clone();
    let message = |phase: Phase, secret: Option<String>, forged: bool| {
        let body = match job.asked.dialect {
            Dialect::Kling => kling::task(provider, job, phase),
            _ => kling_legacy::task(provider, job, phase),
        };
        let says = ["status", "task_status"].iter().find_map(|field| body[*field].as_str());
        Callback {
            url: url.clone(),
            job: job.asked.id.clone(),
            says: says.unwrap_or_default().to_owned(),
            body,
            secret,
            forged,
        }
    };
    let truth = message(change.phase, secret.clone(), false);
    let mut callbacks = Vec::new();
    if change.phase == Phase::Running {
        callbacks.push(truth);
        if job.has(Fault::EarlyCallback) {
            callbacks.push(message(Phase::Done, secret, true));
        }
        return callbacks;
    }
    if job.has(Fault::ForgedCallback(Forgery::Signature)) {
        // Where the provider signs nothing, neither does the forger.
        let forgers = secret.as_ref().map(|_| FORGERS_SECRET.to_owned());
        callbacks.push(message(Phase::Failed, forgers, true));
    }
    if job.has(Fault::ForgedCallback(Forgery::UnknownTask)) {
        let mut forged = message(Phase::Done, secret, true);
        UNKNOWN_TASK.clone_into(&mut forged.job);
        let field = if job.asked.dialect == Dialect::Kling { "id" } else { "task_id" };
        forged.body[field] = Value::from(UNKNOWN_TASK);
        callbacks.push(forged);
    }
    let repeats = if job.has(Fault::DuplicateCallback) { REPEATS } else { 1 };
    callbacks.extend(std::iter::repeat_n(truth, repeats));
    callbacks
}

/// Sends callbacks one after the other, as long as the provider lives.
pub(crate) async fn deliver(provider: Arc<Provider>, mut to_send: mpsc::UnboundedReceiver<Callback>) {
    while let Some(callback) = to_send.recv().await {
        let number = provider.state().count();
        let sent = send(&provider, callback, number).await;
        provider.state().log.callbacks.push(sent);
        provider.unsent.send_modify(|unsent| *unsent -= 1);
    }
}

async fn send(provider: &Provider, callback: Callback, number: u64) -> CallbackSent {
    let body = callback.body.to_string();
    let mut headers = Vec::new();
    if let Some(secret) = &callback.secret {
        let id = format!("call_{number}");
        // Receivers compare it with their own clock, which is the clock of credentials.
        let timestamp = provider.clock.wall_ms() / 1_000;
        if let Some(signature) = sign_webhook(secret, &id, timestamp, &body) {
            headers.push(("webhook-id", id));
            headers.push(("webhook-timestamp", timestamp.to_string()));
            headers.push(("webhook-signature", signature));
        }
    }
    let answer = outbound::post(&callback.url, &headers, body).await;
    CallbackSent {
        at_ms: provider.clock.now_ms(),
        url: callback.url,
        job: callback.job,
        says: callback.says,
        signed: !headers.is_empty(),
        forged: callback.forged,
        answer: answer.ok(),
    }
}
