use super::Choice;
use super::call::{Line, Sealed};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{ConnectorId, CredentialId, CustomerId};
use rusqlite::named_params;

pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    db.all(
        "SELECT id, name, kind, state FROM connectors
          WHERE customer_id = :owner AND state <> 'gone'
          ORDER BY name",
        named_params! { ":owner": owner },
        |row| {
            Ok(Choice {
                id: row.get("id")?,
                name: row.get("name")?,
                kind: row.get("kind")?,
                state: row.get("state")?,
            })
        },
    )
}

pub fn line(db: &Read, id: ConnectorId) -> Result<Line> {
    db.one(
        "SELECT connectors.id, connectors.customer_id, kind, connectors.name, state, script, url, networks,
                time_limit, credential_id, sealed,
                CASE WHEN previous_until > :now THEN previous END AS previous, lower(hex(sha256)) AS enabled
           FROM connectors
           LEFT JOIN credentials ON credentials.id = credential_id
           LEFT JOIN scripts ON scripts.name = script
          WHERE connectors.id = :id",
        named_params! { ":id": id, ":now": db.now },
        |row| {
            let credential: Option<CredentialId> = row.get("credential_id")?;
            let (now, previous): (Option<String>, _) = (row.get("sealed")?, row.get("previous")?);
            let networks: String = row.get("networks")?;
            let enabled: Option<String> = row.get("enabled")?;
            Ok(Line {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                kind: row.get("kind")?,
                name: row.get("name")?,
                state: row.get("state")?,
                script: row.get::<_, Option<String>>("script")?.unwrap_or_default(),
                url: row.get::<_, Option<String>>("url")?.unwrap_or_default(),
                networks: serde_json::from_str(&networks).unwrap_or_default(),
                time_limit: row.get("time_limit")?,
                credential: credential.zip(now).map(|(id, now)| Sealed { id, now, previous }),
                enabled: enabled.filter(|hex| !hex.is_empty()),
            })
        },
    )
}
