//! How far a request has come: its time begins anew with every part of its body that arrives, so a
//! slow upload goes on for as long as it does go on.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use tokio::time::Instant;

use crate::body::{Watch, Watched};

/// What is known of a request's body.
#[derive(Debug)]
struct Seen {
    /// When something arrived last.
    moved_at: Instant,
    /// Whether nothing is expected any more.
    whole: bool,
}

/// The progress of one request.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Mutex<Seen>>);

impl Progress {
    /// The request with its body watched.
    pub(crate) fn watch(request: Request) -> (Self, Request) {
        let whole = request.body().is_end_stream();
        let progress = Self(Arc::new(Mutex::new(Seen { moved_at: Instant::now(), whole })));
        if whole {
            return (progress, request);
        }
        let watched = progress.clone();
        let request = request.map(|body| Body::new(Watched::new(body, Told(watched))));
        (progress, request)
    }

    /// When something arrived last, or the request began.
    pub(crate) fn moved_at(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).moved_at
    }

    /// Whether the whole body arrived, or nobody waits for it any more.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).whole
    }

    fn moved(&self, whole: bool) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.moved_at = Instant::now();
        seen.whole |= whole;
    }
}

/// Tells the progress of every part that arrives; without its body nothing is waited for.
struct Told(Progress);

impl Watch for Told {
    fn passed(&mut self, ended: bool) {
        self.0.moved(ended);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.0.moved(true);
    }
}
