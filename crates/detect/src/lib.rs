//! The second story, **guard**: events in, detections out.
//!
//! ```text
//! rule files → rules::load → Ruleset(+Diagnostics) → compile → Engine
//! Event | audit record → Engine::judge → Detection(rule, evidence, output)
//! ```
//!
//! Pure: no network, clock, environment, process, no async. The same engine judges what a sensor
//! sees, what a recording holds and what a Kubernetes API server audits. It never acts.

pub mod audit;
pub mod field;
pub mod recording;
pub mod source;
pub mod value;
