//! What is in a kit: plain files that other programs read.

use super::store;
use crate::auth::Scope;
use crate::auth::permissions::UsersExport;
use crate::customers::properties::{Holder, Standing, values};
use crate::db::{Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::sheet;
use crate::users::export;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write, copy};
use zip::write::SimpleFileOptions;

const README: &str = "\
This file holds everything that Portico had of one customer.

customer.json   the customer: names, addresses, domains, settings
users.csv       its users, in a form that an import takes back
photos/         their photos, by the number they have in audit.csv
devices.csv     what they work with
offboardings/   the sealed reports of those who left, each as JSON with its seal
services.csv    what the customer and its users had, and have
ledger.csv      every billable change, in the order in which it counted
audit.csv       who changed what, and when
invoices/       the invoices it was sent, each as JSON

Times are UTC, amounts are in the smallest unit of their currency. There are no passwords, keys or other secrets.
";

type Zip<'a> = zip::ZipWriter<BufWriter<&'a File>>;

/// Writes all of it, as it is at one moment.
pub fn write(db: &Db, id: CustomerId, file: &File) -> Result<()> {
    db.read(|db| {
        let mut zip = zip::ZipWriter::new(BufWriter::new(file));
        begin(&mut zip, "README.txt")?;
        zip.write_all(README.as_bytes())?;
        begin(&mut zip, "customer.json")?;
        let mut customer = store::customer(db, id)?;
        let kept = values::of(db, Standing::Above, &Holder::customer(id))?;
        let told = |kept: &values::Kept| (kept.property.key.clone(), json!(kept.value));
        let properties: serde_json::Map<String, Value> = kept.iter().map(told).collect();
        if let (Some(customer), false) = (customer.as_object_mut(), properties.is_empty()) {
            customer.insert("properties".to_owned(), Value::Object(properties));
        }
        let customer = serde_json::to_vec_pretty(&customer)?;
        zip.write_all(&customer)?;
        users(db, id, &mut zip)?;
        store::photos(db, id, &mut |user, jpeg| {
            begin(&mut zip, &format!("photos/{user}.jpg"))?;
            Ok(zip.write_all(jpeg)?)
        })?;
        table(&mut zip, "devices.csv", store::DEVICES_HEAD, |row| store::devices(db, id, row))?;
        store::reports(db, id, &mut |number, report| {
            begin(&mut zip, &format!("offboardings/{number}.json"))?;
            Ok(zip.write_all(report.as_bytes())?)
        })?;
        table(&mut zip, "services.csv", store::SERVICES_HEAD, |row| store::services(db, id, row))?;
        table(&mut zip, "ledger.csv", store::LEDGER_HEAD, |row| store::ledger(db, id, row))?;
        table(&mut zip, "audit.csv", store::AUDIT_HEAD, |row| store::audit(db, id, row))?;
        store::invoices(db, id, &mut |number, snapshot| {
            let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            let name: String = number.chars().map(plain).collect();
            begin(&mut zip, &format!("invoices/{name}.json"))?;
            Ok(zip.write_all(snapshot.as_bytes())?)
        })?;
        let mut out = zip.finish().map_err(Error::internal)?;
        Ok(out.flush()?)
    })
}

fn begin(zip: &mut Zip, name: &str) -> Result<()> {
    zip.start_file(name, SimpleFileOptions::default()).map_err(Error::internal)
}

fn users(db: &Read, id: CustomerId, zip: &mut Zip) -> Result<()> {
    begin(zip, "users.csv")?;
    let scope: Scope<UsersExport> = Scope::of_system(Via::Job);
    let file = export::file(db, &scope, id)?;
    copy(&mut BufReader::new(file.reopen()?), zip)?;
    Ok(())
}

fn table(
    zip: &mut Zip,
    name: &str,
    head: &[&str],
    rows: impl FnOnce(&mut dyn FnMut(&[String]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    begin(zip, name)?;
    let head: Vec<String> = head.iter().map(|each| (*each).to_owned()).collect();
    zip.write_all(&sheet::write_csv(&head, std::iter::empty::<Vec<&str>>()))?;
    rows(&mut |cells| Ok(zip.write_all(sheet::csv_line(cells).as_bytes())?))
}
