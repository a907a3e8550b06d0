//! The text of API keys: `sw_live_<key id>_<secret>`, and `sw_test_…` for those of a sandbox.
//!
//! The key id is 32 hexadecimal digits, the secret 32 random bytes in URL-safe Base64 without
//! padding. The store keeps HMAC-SHA256(pepper, text): without the pepper, which is not in the
//! database, a copy of the database opens nothing. The secret has 256 bits, so a slow password hash
//! would add cost for us and none for an attacker.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use spotwright_core::domain::account::{KeyMac, NewKey, NewOrganization, Scope};
use spotwright_core::domain::people::TokenCodes;
use spotwright_core::ports::entropy::{Entropy, EntropyError, random_id};
use spotwright_core::ports::people::TokenSeal;
use spotwright_schemas::ids::{KeyId, OrganizationId};
use spotwright_schemas::mode::Mode;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How a live key begins, so that scanners find a leaked one.
pub const PREFIX: &str = "sw_live_";

/// How a test key begins, as long as [`PREFIX`].
pub const TEST_PREFIX: &str = "sw_test_";

/// How the keys of a mode begin.
const fn prefix(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => PREFIX,
        Mode::Test => TEST_PREFIX,
    }
}

const ID_DIGITS: usize = 32;
const SECRET_BYTES: usize = 32;
const SECRET_CHARACTERS: usize = 43;
const LENGTH: usize = PREFIX.len() + ID_DIGITS + 1 + SECRET_CHARACTERS;

/// The secret of this installation that keys and cursors are authenticated with. Not shown by
/// `Debug`. Keys that were made with the one before are taken for as long as that is given as well.
#[derive(Clone)]
pub struct Pepper {
    current: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl Pepper {
    /// A pepper of 32 random bytes, kept outside the database.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self { current: bytes, previous: None }
    }

    /// The same, while keys of the pepper before are still in use.
    #[must_use]
    pub const fn after(self, previous: [u8; 32]) -> Self {
        Self { current: self.current, previous: Some(previous) }
    }

    /// This pepper and the one before, each alone.
    pub(crate) fn each(&self) -> [Option<Self>; 2] {
        [Some(Self::new(self.current)), self.previous.map(Self::new)]
    }

    /// HMAC-SHA256 of the parts, each prefixed by its length.
    pub(crate) fn authenticate(&self, parts: &[&[u8]]) -> [u8; 32] {
        authenticate_with(&self.current, parts)
    }

    /// What is stored of a key.
    #[must_use]
    pub fn mac(&self, text: &KeyText) -> KeyMac {
        KeyMac(self.authenticate(&[b"key", text.0.as_bytes()]))
    }

    /// Whether the text is the one that `mac` was made of; takes the same time either way.
    #[must_use]
    pub fn matches(&self, text: &KeyText, mac: &KeyMac) -> bool {
        let mut right = self.mac(text).0.ct_eq(&mac.0);
        if let Some(previous) = &self.previous {
            right |= authenticate_with(previous, &[b"key", text.0.as_bytes()]).ct_eq(&mac.0);
        }
        right.into()
    }
}

impl TokenSeal for Pepper {
    fn codes(&self, purpose: &'static str, token: &str) -> TokenCodes {
        let parts: &[&[u8]] = &[b"token", purpose.as_bytes(), token.as_bytes()];
        let current = KeyMac(self.authenticate(parts));
        let previous = self.previous.map_or(current, |previous| KeyMac(authenticate_with(&previous, parts)));
        TokenCodes { current, previous }
    }
}

fn authenticate_with(secret: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // Cannot panic: HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of 32 bytes");
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(secret)")
    }
}

/// The text of a key. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

impl KeyText {
    /// Makes the text of key `id` with a fresh secret.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn generate(mode: Mode, id: KeyId, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = [0_u8; SECRET_BYTES];
        entropy.fill(&mut secret)?;
        Ok(Self(format!("{}{}_{}", prefix(mode), id.0.simple(), URL_SAFE_NO_PAD.encode(secret))))
    }

    /// Reads a presented text: its shape alone. `None` when it is no key; there is one text for
    /// each id and secret.
    #[must_use]
    pub fn parse(text: &str) -> Option<(KeyId, Self)> {
        if text.len() != LENGTH || !text.is_ascii() {
            return None;
        }
        let rest = text.strip_prefix(PREFIX).or_else(|| text.strip_prefix(TEST_PREFIX))?;
        let (id, secret) = rest.split_at(ID_DIGITS);
        let secret = secret.strip_prefix('_')?;
        if id.bytes().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let id = Uuid::try_parse(id).ok()?;
        // Refuses texts whose unused last bits are set, so that a key has one spelling.
        URL_SAFE_NO_PAD.decode(secret).ok().filter(|secret| secret.len() == SECRET_BYTES)?;
        Some((KeyId(id), Self(text.to_owned())))
    }

    /// The text itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(secret)")
    }
}

/// Makes a live key: what the store keeps, and the text to be shown once.
///
/// # Errors
/// [`EntropyError`].
pub fn issue(
    pepper: &Pepper,
    entropy: &dyn Entropy,
    name: &str,
    scopes: &[Scope],
    lifetime_micros: Option<i64>,
) -> Result<(NewKey, KeyText), EntropyError> {
    issue_in(Mode::Live, pepper, entropy, name, scopes, lifetime_micros)
}

/// Makes a key of a mode.
///
/// # Errors
/// [`EntropyError`].
pub fn issue_in(
    mode: Mode,
    pepper: &Pepper,
    entropy: &dyn Entropy,
    name: &str,
    scopes: &[Scope],
    lifetime_micros: Option<i64>,
) -> Result<(NewKey, KeyText), EntropyError> {
    let id = KeyId(random_id(entropy)?);
    let text = KeyText::generate(mode, id, entropy)?;
    let mac = pepper.mac(&text);
    Ok((NewKey { id, name: name.to_owned(), scopes: scopes.to_vec(), mac, lifetime_micros }, text))
}

/// The organization that operators' keys belong to.
#[must_use]
pub fn operators() -> OrganizationId {
    OrganizationId::derive(0, "operator", 0)
}

/// The organization that operators' keys belong to, and its first key: for
/// `AccountStore::bootstrap` when a database is set up.
///
/// # Errors
/// [`EntropyError`].
pub fn operator(
    pepper: &Pepper,
    entropy: &dyn Entropy,
) -> Result<(NewOrganization, NewKey, KeyText), EntropyError> {
    let organization = NewOrganization { id: operators(), name: "operator".to_owned() };
    let (key, text) = issue(pepper, entropy, "operator", &Scope::ALL, None)?;
    Ok((organization, key, text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    fn text(id: u128, secret: u8) -> KeyText {
        KeyText::generate(Mode::Live, KeyId(Uuid::from_u128(id)), &Fixed(secret)).unwrap()
    }

    #[test]
    fn the_mode_of_a_key_is_part_of_what_opens() {
        let (id, pepper) = (KeyId(Uuid::from_u128(3)), Pepper::new([1; 32]));
        let made = KeyText::generate(Mode::Test, id, &Fixed(5)).unwrap();
        assert!(made.expose().starts_with("sw_test_"));
        assert_eq!(KeyText::parse(made.expose()), Some((id, made.clone())));
        let (_, pretended) = KeyText::parse(&made.expose().replacen("sw_test_", PREFIX, 1)).unwrap();
        assert!(!pepper.matches(&pretended, &pepper.mac(&made)), "a test key is no live one");
    }

    #[test]
    fn nothing_secret_is_printed() {
        let (key, text) = issue(&Pepper::new([7; 32]), &Fixed(9), "a key", &Scope::ALL, None).unwrap();
        let printed = format!("{key:?} {text:?} {:?}", Pepper::new([7; 32]));
        assert!(!printed.contains(text.expose()), "{printed}");
        assert!(!printed.contains("7, 7") && !printed.contains(PREFIX), "{printed}");
    }

    #[test]
    fn a_code_opens_with_its_own_text_and_pepper_only() {
        let pepper = Pepper::new([1; 32]);
        let mac = pepper.mac(&text(1, 5));
        assert!(pepper.matches(&text(1, 5), &mac));
        assert!(!pepper.matches(&text(1, 6), &mac));
        assert!(!pepper.matches(&text(2, 5), &mac));
        assert!(!Pepper::new([2; 32]).matches(&text(1, 5), &mac));
    }

    #[test]
    fn keys_of_the_pepper_before_are_taken_for_as_long_as_it_is_given() {
        let (old, new) = (Pepper::new([1; 32]), Pepper::new([2; 32]));
        let (made_before, made_after) = (old.mac(&text(1, 5)), new.mac(&text(2, 6)));
        let both = new.clone().after([1; 32]);
        assert!(both.matches(&text(1, 5), &made_before) && both.matches(&text(2, 6), &made_after));
        assert_eq!(both.mac(&text(2, 6)), made_after, "keys are made with the newest one");
        assert!(!new.matches(&text(1, 5), &made_before));
        assert!(!both.matches(&text(1, 6), &made_before));
    }

    #[test]
    fn codes_of_tokens_need_the_pepper_and_the_purpose() {
        let (old, new) = (Pepper::new([1; 32]), Pepper::new([2; 32]));
        let codes = old.codes("session", "a token");
        assert_eq!(codes.current, codes.previous);
        assert_ne!(codes, old.codes("invitation", "a token"));
        assert_ne!(codes, new.codes("session", "a token"));
        let both = new.clone().after([1; 32]).codes("session", "a token");
        assert_eq!((both.current, both.previous), (new.codes("session", "a token").current, codes.current));
    }

    #[test]
    fn a_second_spelling_of_a_key_is_refused() {
        let text = text(1, 0);
        assert!(text.expose().ends_with('A'));
        let other = format!("{}B", &text.expose()[..LENGTH - 1]);
        assert_eq!(KeyText::parse(&other), None);
        assert_eq!(KeyText::parse(&text.expose().to_uppercase()), None);
    }

    proptest! {
        #[test]
        fn a_generated_key_is_read_back(id: u128, secret: u8) {
            let made = text(id, secret);
            let (read, again) = KeyText::parse(made.expose()).expect("a key");
            prop_assert_eq!((read, again), (KeyId(Uuid::from_u128(id)), made));
        }

        #[test]
        fn what_is_read_is_spelled_as_it_was_given(given in "(sw_live_)?[0-9a-fA-F_-]{0,40}[\\PC]{0,50}") {
            if let Some((_, text)) = KeyText::parse(&given) {
                prop_assert_eq!(text.expose(), given.as_str());
            }
        }

        #[test]
        fn a_changed_character_does_not_open(secret: u8, place in 0..LENGTH, other in "[0-9a-zA-Z_-]") {
            let pepper = Pepper::new([3; 32]);
            let made = text(17, secret);
            let mut changed = made.expose().to_owned();
            changed.replace_range(place..=place, &other);
            prop_assume!(changed != made.expose());
            if let Some((_, text)) = KeyText::parse(&changed) {
                prop_assert!(!pepper.matches(&text, &pepper.mac(&made)));
            }
        }
    }
}
