//! The messages: channels, their addresses, and what a consumer reads.

use serde_json::Value;

use super::fields;
use super::schema::{Types, Way};

/// What of `now` breaks a consumer, or a publisher, that was made by `before`.
pub(super) fn breaks(before: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, old) in fields(&before["channels"]) {
        let Some(new) = now["channels"].get(name) else {
            found.push(format!("channel {name} is gone"));
            continue;
        };
        channel(name, old, new, &mut found);
    }
    for (name, old) in fields(&before["operations"]) {
        match now["operations"].get(name) {
            None => found.push(format!("operation {name} is gone")),
            Some(new) if new["action"] != old["action"] || new["channel"] != old["channel"] => {
                found.push(format!("operation {name} is another one"));
            }
            Some(_) => {}
        }
    }
    let mut types = Types::new(before, now);
    for (name, old) in fields(&before["components"]["messages"]) {
        let Some(new) = now["components"]["messages"].get(name) else {
            found.push(format!("message {name} is gone"));
            continue;
        };
        if new["name"] != old["name"] || new["contentType"] != old["contentType"] {
            found.push(format!("message {name} is of another type"));
        }
        for part in ["payload", "headers"] {
            types.compare(&old[part], &new[part], Way::Read, &format!("message {name} {part}"), &mut found);
        }
    }
    found
}

fn channel(name: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old["address"] != new["address"] {
        found.push(format!("channel {name} has another address"));
    }
    // A broker refuses a queue or an exchange that is declared anew with other arguments.
    for part in ["bindings", "x-queue-arguments"] {
        if old[part] != new[part] {
            found.push(format!("channel {name} is declared otherwise"));
        }
    }
    let lost = fields(&old["messages"]).filter(|(message, _)| new["messages"].get(message).is_none());
    found.extend(lost.map(|(message, _)| format!("channel {name} carries no {message} any more")));
}
