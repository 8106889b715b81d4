use crate::db::Write;
use crate::error::Result;
use crate::ids::ServiceId;

/// Remembers from which version of which module a service is.
pub fn pin(tx: &Write, service: ServiceId, module: &str, version: i64) -> Result<usize> {
    tx.run(
        "UPDATE services SET module = ?2, module_version = ?3 WHERE id = ?1",
        (service, module, version),
    )
}
