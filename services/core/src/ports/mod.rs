//! Ports: what the domain needs from outside, one trait each.
//!
//! A port states its contract clause by clause; the conformance suites in `spotwright-testkit`
//! check the clauses on every adapter.

pub mod accounts;
pub mod artifacts;
pub mod audit;
pub mod books;
pub mod brands;
pub mod campaigns;
pub mod click_model;
pub mod clip_hints;
pub mod clip_importer;
pub mod clip_library;
pub mod clip_source;
pub mod clock;
pub mod entropy;
pub mod event_bus;
pub mod event_log;
pub mod experiments;
pub mod fidelity;
pub mod fitting;
pub mod language_model;
pub mod letters;
pub mod marketplace;
pub mod observations;
pub mod outcome_sink;
pub mod people;
pub mod pictures;
pub mod provenance;
pub mod publish_target;
pub mod quality_gate;
pub mod readiness;
pub mod reports;
pub mod reviews;
pub mod run_control;
pub mod run_prices;
pub mod sandboxes;
pub mod source_reader;
pub mod step_store;
pub mod video_backend;
pub mod video_jobs;
pub mod views;
pub mod voice;
pub mod watermarks;
pub mod webhooks;
