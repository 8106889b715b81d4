//! Pages of requests and of the engine.

pub mod engine;
pub mod list;
pub mod show;
