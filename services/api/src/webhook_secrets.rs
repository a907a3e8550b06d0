//! Secrets of webhooks, derived from the pepper: none is stored, and a copy of the database signs nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use spotwright_core::domain::webhook::SecretMark;
use spotwright_core::ports::webhooks::{WebhookSecret, WebhookSecrets};
use spotwright_schemas::ids::WebhookId;

use crate::key::Pepper;

/// Bytes of a mark: enough to tell two peppers apart.
const MARK_BYTES: usize = 8;

/// Secret number `version` of a webhook under one pepper, and its mark.
fn derived(pepper: &Pepper, webhook: WebhookId, version: u32) -> (WebhookSecret, SecretMark) {
    let version = version.to_be_bytes();
    let of = |what: &[u8]| pepper.authenticate(&[what, webhook.0.as_bytes(), &version]);
    let mark = URL_SAFE_NO_PAD.encode(&of(b"webhook mark")[..MARK_BYTES]);
    (WebhookSecret(of(b"webhook secret")), SecretMark(mark))
}

impl WebhookSecrets for Pepper {
    fn derive(&self, webhook: WebhookId, version: u32) -> (WebhookSecret, SecretMark) {
        derived(self, webhook, version)
    }

    fn recall(&self, webhook: WebhookId, version: u32, mark: &SecretMark) -> Option<WebhookSecret> {
        self.each().into_iter().flatten().find_map(|pepper| {
            let (secret, own) = derived(&pepper, webhook, version);
            (own == *mark).then_some(secret)
        })
    }

    fn in_words(&self, secret: &WebhookSecret) -> String {
        format!("whsec_{}", STANDARD.encode(secret.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_for_as_long_as_its_pepper_is_there() {
        let (old, new) = (Pepper::new([1; 32]), Pepper::new([2; 32]));
        let (webhook, other) = (WebhookId::derive(1, "webhook", 1), WebhookId::derive(1, "webhook", 2));
        let (secret, mark) = old.derive(webhook, 1);
        assert_eq!(old.recall(webhook, 1, &mark), Some(secret.clone()));
        assert_eq!(new.clone().after([1; 32]).recall(webhook, 1, &mark), Some(secret.clone()));
        assert_eq!(new.recall(webhook, 1, &mark), None, "the pepper is gone");
        assert_eq!(old.recall(webhook, 2, &mark), None, "another version");
        assert_eq!(old.recall(other, 1, &mark), None, "another webhook");
        assert_ne!(old.derive(webhook, 2).0, secret);
        assert_ne!(old.derive(other, 1).0, secret);
        assert_ne!(new.derive(webhook, 1).0, secret);
        assert!(!format!("{secret:?} {mark:?}").contains("1, "), "not printed");
        assert!(old.in_words(&secret).starts_with("whsec_"));
    }
}
