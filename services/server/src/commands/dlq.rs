//! `dlq`: messages that were given up.

use spotwright_bus::rabbit::{DeadLetters, Selection};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::{print_json, print_text};
use crate::cli::Dlq;
use crate::config::Config;
use crate::foundation::{no_bus, rabbit_options};

/// Lists or replays dead letters of the configured broker.
///
/// # Errors
/// [`Code::Option`] without a broker, [`Code::Store`] when it cannot be reached.
pub async fn execute(config: &Config, what: &Dlq) -> Result<(), Problem> {
    if config.bus.url.is_empty() {
        let message = "names no broker; in the embedded shape a message that was given up is in the table `dead_letter`, and `spotwright verify` counts it";
        return Err(Problem::new(Code::Option, "bus.url", message));
    }
    let failed = |error: spotwright_core::ports::event_bus::BusError| {
        Problem::new(Code::ServerUnreachable, "bus.url", error.to_string())
    };
    let letters = DeadLetters::open(rabbit_options(config)?).await.map_err(|error| no_bus(&error))?;
    match what {
        Dlq::List { limit, json } => {
            let listed = letters.list(*limit).await.map_err(failed)?;
            let rows: Vec<serde_json::Value> = listed
                .iter()
                .map(|letter| {
                    serde_json::json!({
                        "message": letter.message, "queue": letter.queue, "reason": letter.reason,
                        "attempts": letter.attempts, "type": letter.event_type, "run": letter.subject,
                    })
                })
                .collect();
            if *json {
                print_json(
                    &serde_json::json!({ "dead_letters": rows, "version": env!("CARGO_PKG_VERSION") }),
                );
                return Ok(());
            }
            let mut text = String::new();
            for letter in &listed {
                text.push_str(&format!(
                    "{}  {}  {} deliveries  {}  {}\n",
                    letter.message, letter.queue, letter.attempts, letter.event_type, letter.reason
                ));
            }
            text.push_str(&format!("{} dead letters\n", listed.len()));
            print_text(&text);
        }
        Dlq::Replay { ids } => {
            let selection = if ids.is_empty() {
                Selection::All
            } else {
                Selection::Messages(ids.iter().map(ToString::to_string).collect())
            };
            let replayed = letters.replay(&selection).await.map_err(failed)?;
            print_text(&format!("{replayed} messages were sent to their queues again\n"));
        }
    }
    Ok(())
}
