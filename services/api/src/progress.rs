//! How far a request has come: its time begins anew with every part of its body that arrives, so a
//! slow upload goes on for as long as it does go on.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

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
        let request = request.map(|body| Body::new(Watched { body, progress: watched }));
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

/// A body that tells of every part that arrives.
struct Watched {
    body: Body,
    progress: Progress,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(frame) = &polled {
            self.progress.moved(frame.is_none());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.progress.moved(true);
    }
}
