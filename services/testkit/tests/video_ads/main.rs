//! The main job on a brief that asks for generated shots, with a provider that plays each server in turn.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod ads;
mod jobs;
mod server;
mod settings;
