//! Directories and locations as they are seen.

pub mod customer;
pub mod environments;
pub mod locations;
