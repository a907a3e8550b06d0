//! Messages to webhooks, by configuration.

use std::sync::Arc;
use std::time::Duration;

use spotwright_api::key::Pepper;
use spotwright_core::ports::clock::SystemClock;
use spotwright_core::ports::webhooks::WebhookSender;
use spotwright_core::spine::Shutdown;
use spotwright_egress::Reach;
use spotwright_schemas::Problem;
use spotwright_webhooks::dispatcher::{DispatchOptions, DispatchPorts, Dispatcher};
use spotwright_webhooks::sender::{HttpSender, SenderOptions};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::foundation::Foundation;

/// Who sends messages.
///
/// # Errors
/// `Code::Prerequisite` when no client can be made.
pub fn sender(config: &Config) -> Result<Arc<dyn WebhookSender>, Problem> {
    let reach = if config.webhooks.allow_private { Reach::Private } else { Reach::Public };
    let options = SenderOptions { reach, longest: Duration::from_millis(config.webhooks.timeout_ms) };
    Ok(Arc::new(HttpSender::new(options, Arc::new(SystemClock))?))
}

/// Starts to send what is due, signed with secrets of `pepper`. Without one nothing can be signed, and a
/// process of its own that only moves messages may lack it: it says so, and another one has to send.
///
/// # Errors
/// As [`sender`].
pub fn start(
    config: &Config,
    pepper: Option<Pepper>,
    foundation: &Foundation,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<Result<(), Problem>>,
) -> Result<(), Problem> {
    let Some(pepper) = pepper else {
        tracing::warn!("messages to webhooks are not sent by this process: `serve.pepper` is not given");
        return Ok(());
    };
    let ports = DispatchPorts {
        store: Arc::clone(&foundation.webhooks),
        secrets: Arc::new(pepper),
        sender: sender(config)?,
        clock: Arc::new(SystemClock),
    };
    let poll = Duration::from_millis(config.webhooks.poll_ms);
    let dispatcher = Dispatcher::new(ports, DispatchOptions { poll, ..DispatchOptions::default() });
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        dispatcher.run(shutdown).await;
        Ok(())
    });
    Ok(())
}
