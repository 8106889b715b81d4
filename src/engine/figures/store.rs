use crate::db::Read;
use crate::engine::Status;
use crate::error::Result;
use crate::ids::ConnectorId;
use crate::time::Instant;

pub fn requests(db: &Read) -> Result<Vec<(Status, i64)>> {
    db.all("SELECT status, count(*) AS number FROM requests GROUP BY status", [], |row| {
        Ok((row.get("status")?, row.get("number")?))
    })
}

/// Each queue with how many wait for a worker, and since when the first does.
pub fn queues(db: &Read) -> Result<Vec<(String, i64, Option<Instant>)>> {
    db.all(
        "SELECT name,
                (SELECT coalesce(sum(ready), 0) FROM lanes WHERE lanes.queue = name) AS ready,
                (SELECT min(next_at) FROM requests WHERE turn = 'ready' AND requests.queue = name) AS oldest
           FROM queues
          ORDER BY name",
        [],
        |row| Ok((row.get("name")?, row.get("ready")?, row.get("oldest")?)),
    )
}

/// Each connector that is in use, with its kind and whether it answers.
pub fn connectors(db: &Read) -> Result<Vec<(ConnectorId, String, bool)>> {
    db.all(
        "SELECT id, kind, down_until IS NULL AS up FROM connectors WHERE state = 'active' ORDER BY id",
        [],
        |row| Ok((row.get("id")?, row.get("kind")?, row.get("up")?)),
    )
}

/// What waits until somebody has looked at it.
pub fn holds(db: &Read) -> Result<i64> {
    db.value("SELECT count(*) FROM brake_holds WHERE state = 'held'", [])
}
