//! Named points between durable effects, where a crash hurts most.

/// Every named point, in the order a run passes them.
pub const POINTS: &[&str] = &[
    "run.before_create",
    "run.after_create",
    "step.after_claim",
    "call.after_intent",
    "call.after_call",
    "step.before_complete",
    "step.after_complete",
    "relay.before_publish",
    "message.before_consume",
    "message.after_consume",
    "relay.after_confirm",
    "relay.after_mark_sent",
    "files.before_write",
    "files.after_write",
];

/// Is told when a named point is reached. The fault harness ends the process there; everything
/// else uses [`NoCheckpoints`].
pub trait Checkpoints: Send + Sync {
    /// One of [`POINTS`] is reached.
    fn reached(&self, point: &'static str);
}

/// Does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCheckpoints;

impl Checkpoints for NoCheckpoints {
    fn reached(&self, _: &'static str) {}
}
