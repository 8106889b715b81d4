//! What a run did to each thing, as a file.

use super::store;
use crate::auth::Own;
use crate::auth::permissions::{AccountRead, JobsRead};
use crate::error::Result;
use crate::ids::RunId;
use crate::input::{Field, Fields};
use crate::sheet;
use crate::web::{Cx, Response, response};

/// What the file may be asked for.
pub const FILTERS: &[Field] = &[Field::text("result", "only lines of this result")];

pub fn download(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    let mut fields = Fields::of(&cx.request.query, FILTERS);
    let result = fields.text("result", 0..=40);
    let result = fields.finish(|| result)?;
    let headings = ["No.", "At", "Result", "Text"];
    let mut file = sheet::write_csv(&headings, std::iter::empty::<Vec<&str>>());
    cx.db.read(|db| {
        store::seen(db, own.user, cx.actor.may::<JobsRead>(), id)?;
        store::each_line(db, id, &result, &mut |cells| {
            file.extend(sheet::csv_line(&cells).bytes());
            Ok(())
        })
    })?;
    Ok(response::download(&format!("run-{id}.csv"), "text/csv; charset=utf-8", file))
}
