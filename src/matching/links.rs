//! Whose an account is: tied by hand or by import, and untied again. Both sides stay as they are.

use super::{Site, store};
use crate::assignments::{self, Adopted};
use crate::audit;
use crate::auth::permissions::UsersImport;
use crate::auth::{Actor, Scope};
use crate::db::{Db, Write};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places;
use crate::secret::Key;
use crate::time::Instant;
use serde_json::{Value, json};

pub const UNLINK: &[Field] =
    &[Field::integer("connector_id", "the connector of the directory").required()];

/// An account of a user.
pub struct Link {
    pub connector: ConnectorId,
    pub directory: String,
    pub object: String,
    pub place: String,
    pub since: Instant,
}

/// The accounts of a user in directories.
pub fn of(db: &Db, scope: &Scope<UsersImport>, user: UserId) -> Result<Vec<Link>> {
    let customer = places::home_of(db, scope, user)?;
    db.read(|db| store::links(db, customer, user))
}

/// Ties an account to a user and says by what evidence.
pub fn tie(
    tx: &Write,
    site: &Site,
    user: UserId,
    (object, place): (&str, &str),
    evidence: &Value,
) -> Result<()> {
    store::bind(tx, site.connector, (site.customer, user), (object, place))?;
    store::answered(tx, site.environment, site.customer, object)?;
    let detail = json!({
        "directory": site.name, "object": object, "place": place, "evidence": evidence,
    });
    audit::record(tx, "user.linked", ("user", user.0), site.customer, &detail)
}

/// What the user has from now on because the account is theirs, as a sentence; empty where that is
/// nothing.
pub fn comes_with(
    tx: &Write,
    key: &Key,
    actor: &Actor,
    at: (CustomerId, UserId),
) -> Result<String> {
    Ok(match assignments::adopt(tx, key, actor, at)? {
        Adopted::Nothing => String::new(),
        Adopted::Given(name) => format!(" Has {name} from now on, as it is."),
        Adopted::Not(name, why) => format!(" Does not get {name}: {why}."),
    })
}

/// Unties an account: nothing changes there, and the user stays as they are.
pub fn untie(db: &Db, scope: &Scope<UsersImport>, user: UserId, input: &Input) -> Result<()> {
    let customer = places::home_of(db, scope, user)?;
    let mut fields = Fields::of(input, UNLINK);
    let connector: Option<ConnectorId> = fields.parse("connector_id");
    let connector = fields.finish(|| connector)?;
    db.write(scope.by, |tx| {
        let Some((object, place)) = store::object_of(tx, connector, (customer, user))? else {
            return Err(Error::invalid(
                "connector_id",
                "is of no directory with an account of theirs",
            ));
        };
        unbound(tx, connector, (customer, user), (&object, &place))
    })
}

/// The untying itself.
pub fn unbound(
    tx: &Write,
    connector: ConnectorId,
    (customer, user): (CustomerId, UserId),
    (object, place): (&str, &str),
) -> Result<()> {
    store::unbind(tx, connector, (customer, user))?;
    let detail = json!({ "object": object, "place": place });
    audit::record(tx, "user.unlinked", ("user", user.0), customer, &detail)
}
