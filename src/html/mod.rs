//! The page around every page, and the parts pages are made of.

pub mod assets;
