//! Portico, in reading order.

#[macro_use]
mod macros;

pub mod ids;
pub mod error;
pub mod time;
pub mod money;
pub mod rating;
pub mod drivers;
pub mod input;
pub mod html;
pub mod secret;
pub mod db;
pub mod auth;
pub mod audit;
