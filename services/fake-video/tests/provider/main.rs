//! Every dialect driven by plain HTTP requests written from its documentation: create, poll, download,
//! decode; every fault as a client meets it; the bill to the micro.

#![expect(clippy::unwrap_used, reason = "a failing request fails the test")]

mod client;
mod comfyui;
mod faults;
mod kling;
mod kling_callbacks;
mod kling_legacy;
mod openai_videos;
mod program;
