//! Passwords: how they are stored and compared.
//!
//! Argon2id with 19 MiB, two passes and one lane: the first of the settings that OWASP's password storage
//! cheat sheet recommends as equal. A hash takes tens of milliseconds of a core, so they are made beside the
//! tasks of the program and few at a time.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash as Parsed, PasswordHasher as _, PasswordVerifier as _, SaltString};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use tokio::sync::Semaphore;

use crate::domain::people::PasswordHash;
use crate::ports::entropy::Entropy;

/// Shortest password in characters.
pub const SHORTEST_PASSWORD: usize = 10;

/// Longest password in characters.
pub const LONGEST_PASSWORD: usize = 256;

/// Hashes that are made at the same time: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;

const SALT_BYTES: usize = 16;

/// What a password is compared with where nobody has the address, so that this takes as long. No password is
/// known that fits.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3BvdHdyaWdodCBkZWNveQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Makes and compares hashes of passwords; one for each process.
#[derive(Debug)]
pub struct Passwords {
    turns: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE) }
    }
}

impl Passwords {
    /// Checks a password that somebody chooses.
    ///
    /// # Errors
    /// [`Code::RequestValue`] with the field.
    pub fn check(field: &str, password: &str) -> Result<(), Problem> {
        if (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&password.chars().count()) {
            return Ok(());
        }
        let message = format!("must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters");
        Err(Problem::new(Code::RequestValue, field, message))
    }

    /// The hash of a password, with a salt of its own.
    ///
    /// # Errors
    /// `Code::Unavailable` without random bytes, [`Code::Internal`] when it cannot be made.
    pub async fn hash(&self, password: &str, entropy: &dyn Entropy) -> Result<PasswordHash, Problem> {
        let mut salt = [0_u8; SALT_BYTES];
        entropy.fill(&mut salt)?;
        let password = password.to_owned();
        self.beside(move || {
            let salt = SaltString::encode_b64(&salt)?;
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
            Ok(PasswordHash(hash.to_string()))
        })
        .await
    }

    /// Whether a password is the one that is stored; without one that is stored, it is not, and to find this
    /// takes as long.
    ///
    /// # Errors
    /// [`Code::Internal`] when what is stored is no hash.
    pub async fn is(&self, password: &str, stored: Option<&PasswordHash>) -> Result<bool, Problem> {
        let known = stored.is_some();
        let stored = stored.map_or_else(|| DECOY.to_owned(), |stored| stored.0.clone());
        // A text that nobody can have chosen is compared too, but not at its full length.
        let compared: String = password.chars().take(LONGEST_PASSWORD + 1).collect();
        let fits = self
            .beside(move || {
                let parsed = Parsed::new(&stored)?;
                match Argon2::default().verify_password(compared.as_bytes(), &parsed) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::Password) => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .await?;
        Ok(fits && known)
    }

    /// Does the work of one hash beside the tasks of the program, when it is its turn.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, argon2::password_hash::Error> + Send + 'static,
    ) -> Result<T, Problem> {
        // The semaphore is never closed, so there is always a turn.
        let _turn = self.turns.acquire().await.ok();
        let defect = |cause: String| Problem::new(Code::Internal, "", cause);
        let done = tokio::task::spawn_blocking(work).await.map_err(|error| defect(error.to_string()))?;
        done.map_err(|error| defect(format!("a password's hash: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::entropy::EntropyError;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse", &Fixed(1)).await.unwrap();
        let other = passwords.hash("correct horse", &Fixed(2)).await.unwrap();
        assert_ne!(hash, other, "salts differ");
        assert!(passwords.is("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.is("correct horsf", Some(&hash)).await.unwrap());
        assert!(!passwords.is("", Some(&hash)).await.unwrap());
        assert!(!passwords.is("correct horse", None).await.unwrap());
        let damaged = PasswordHash("plain".to_owned());
        assert_eq!(passwords.is("plain", Some(&damaged)).await.unwrap_err().code, Code::Internal);
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_hash_costs() {
        let made = Passwords::default().hash("correct horse", &Fixed(1)).await.unwrap();
        let (made, decoy) = (Parsed::new(&made.0).unwrap(), Parsed::new(DECOY).unwrap());
        assert_eq!(
            (made.algorithm, made.version, made.params.to_string()),
            (decoy.algorithm, decoy.version, decoy.params.to_string())
        );
        let length = |hash: &Parsed<'_>| hash.hash.as_ref().map(argon2::password_hash::Output::len);
        assert_eq!(length(&made), length(&decoy));
    }

    #[test]
    fn a_password_has_a_length() {
        for (password, fine) in [("a".repeat(9), false), ("ä".repeat(10), true), ("a".repeat(257), false)] {
            assert_eq!(Passwords::check("password", &password).is_ok(), fine, "{password}");
        }
    }
}
