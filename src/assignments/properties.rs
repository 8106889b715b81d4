//! The values of a service's properties that an assignment stores, and those that hold for it.

use super::plan::Values;
use super::{Held, HeldId};
use crate::db::{Read, Write};
use crate::error::Result;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What holds, as the engine hands it on.
#[derive(Default)]
pub struct Effective {
    pub plain: Map<String, Value>,
    pub sealed: BTreeMap<String, (String, String)>,
}

pub fn effective(_: &Read, _: &Held) -> Result<Effective> {
    Ok(Effective::default())
}

pub fn keep(_: &Write, _: HeldId, _: &Values) -> Result<()> {
    Ok(())
}
