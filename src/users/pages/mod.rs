//! The pages of users, a file a screen.

pub mod form;
pub mod life;
pub mod list;
pub mod merge;
pub mod show;
