//! Bodies of requests and answers that somebody watches while they pass.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

/// Who watches a body. Dropped with it, whether it was taken to its end or given up.
pub trait Watch {
    /// A part has passed, or nothing follows any more.
    fn passed(&mut self, ended: bool);
}

/// A body that is watched; in all else the body itself.
#[derive(Debug)]
pub struct Watched<W> {
    body: Body,
    watch: W,
}

impl<W> Watched<W> {
    /// Lets `watch` see `body` pass.
    pub const fn new(body: Body, watch: W) -> Self {
        Self { body, watch }
    }
}

impl<W: Watch + Unpin> HttpBody for Watched<W> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(frame) = &polled {
            self.watch.passed(frame.is_none());
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
