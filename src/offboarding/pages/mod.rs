//! The form of a leaving with what it would do, the report of one, and what is remembered of a user.

pub mod form;
pub mod memory;
pub mod report;
