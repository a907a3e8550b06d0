//! What the model knows of advertisements' texts: encoded together, remembered by content.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use rayon::prelude::*;

use super::{RidgeClickModel, content_hash};
use crate::error::Error;
use crate::last_layer::{HEADLINE_TOKENS, TEXT_TOKENS};

/// Texts of advertisements that are remembered; at 1,152 columns about 60 MB.
const MAX_PREPARED: usize = 2_048;

/// Headline and whole text of an advertisement.
pub(super) type Texts<'a> = (&'a str, &'a str);

/// What the posterior needs of an advertisement's texts.
pub(super) struct Prepared {
    pub(super) whitened: Vec<f64>,
    pub(super) headline: Vec<f64>,
    pub(super) text: Vec<f64>,
    pub(super) archive_appeal: f64,
}

type Key = [u8; 32];

impl RidgeClickModel {
    /// What the posterior needs of each advertisement's texts. Texts that are not known yet go
    /// through the encoder together and each once.
    pub(super) fn prepare(&self, texts: &[Texts<'_>]) -> Result<Vec<Arc<Prepared>>, Error> {
        let keys: Vec<Key> = texts.iter().map(|&(headline, text)| content_hash(&[headline, text])).collect();
        let mut found: HashMap<Key, Arc<Prepared>> = {
            // A poisoned lock only means that another thread panicked between two whole operations.
            let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter().filter_map(|key| Some((*key, Arc::clone(known.get(key)?)))).collect()
        };
        let mut seen = HashSet::new();
        let (new_keys, new_texts): (Vec<Key>, Vec<Texts<'_>>) = keys
            .iter()
            .zip(texts)
            .filter(|(key, _texts)| !found.contains_key(*key) && seen.insert(**key))
            .map(|(key, texts)| (*key, *texts))
            .unzip();
        if !new_keys.is_empty() {
            let made = self.read(&new_texts)?;
            found.extend(new_keys.iter().copied().zip(made.iter().cloned()));
            let mut all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() + made.len() > MAX_PREPARED {
                all.clear();
            }
            all.extend(new_keys.into_iter().zip(made).take(MAX_PREPARED));
        }
        keys.iter()
            .map(|key| found.get(key).cloned())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::Encoder("a text was left without a vector".to_owned()))
    }

    /// Reads texts that are not known.
    fn read(&self, texts: &[Texts<'_>]) -> Result<Vec<Arc<Prepared>>, Error> {
        let headlines: Vec<&str> = texts.iter().map(|(headline, _text)| *headline).collect();
        let of_headlines = self.encoder.encode_batch(&headlines, HEADLINE_TOKENS)?;
        // A text that is all headline and not cut off is not encoded a second time.
        let repeats = parallel(texts, |(headline, text)| {
            Ok(headline == text && !self.encoder.exceeds(text, HEADLINE_TOKENS)?)
        })?;
        let others: Vec<&str> = texts
            .iter()
            .zip(&repeats)
            .filter(|(_, repeats)| !**repeats)
            .map(|((_, text), _)| *text)
            .collect();
        let mut of_others = self.encoder.encode_batch(&others, TEXT_TOKENS)?.into_iter();
        let of_texts: Vec<Arc<[f32]>> = of_headlines
            .iter()
            .zip(repeats)
            .filter_map(
                |(headline, repeats)| if repeats { Some(Arc::clone(headline)) } else { of_others.next() },
            )
            .collect();
        if of_headlines.len() != texts.len() || of_texts.len() != texts.len() {
            return Err(Error::Encoder("the encoder left out a text".to_owned()));
        }
        let vectors: Vec<(&str, &[f32], &[f32])> = headlines
            .iter()
            .zip(of_headlines.iter().zip(&of_texts))
            .map(|(headline, (of_headline, of_text))| (*headline, &**of_headline, &**of_text))
            .collect();
        parallel(&vectors, |(headline, of_headline, of_text)| {
            let columns = self.layer.columns(of_headline, headline);
            Ok(Arc::new(Prepared {
                whitened: self.layer.whiten(&columns),
                headline: self.layer.direction(of_headline),
                text: self.layer.direction(of_text),
                archive_appeal: self.layer.archive_appeal(&columns),
            }))
        })
    }
}

/// `of` each item in order, on the threads of the pool that this is called from; the first item's
/// error when several fail. One item stays on its thread.
fn parallel<I: Sync, T: Send>(
    items: &[I],
    of: impl Fn(&I) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    if let [item] = items {
        return Ok(vec![of(item)?]);
    }
    let results: Vec<Result<T, Error>> = items.par_iter().map(&of).collect();
    results.into_iter().collect()
}
