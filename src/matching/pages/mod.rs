//! The pages about whose an account is.

pub mod import;
pub mod links;
pub mod proposals;
pub mod same;
pub mod sync;
