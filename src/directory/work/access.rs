//! Whether somebody comes in with an account: its password, and whether it is enabled.

use super::desk::Desk;
use super::fields::SEEN;
use super::users::{needed, target};
use super::{first_password, plan};
use crate::directory::Disabling;
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::{self, Fault};
use crate::drivers::ldap::session::{At, Change, Entry};
use crate::secret::Secret;

/// Of `pwdAccountLockedTime`: until somebody takes it away.
pub const FOREVER: &str = "000001010000Z";
pub const LOCK: &str = "pwdAccountLockedTime";

pub fn set_password(desk: &mut Desk<'_>, secret: &Secret) -> Result<(), Fault> {
    if secret.reveal().is_empty() {
        return Err(Fault::refused("The password is no longer kept. Set it again."));
    }
    let entry = needed(target(desk, &[])?)?;
    if !desk.go(format!("set the password of {}", entry.name)) {
        return Ok(());
    }
    if desk.is_ad() {
        let at = desk.at(&entry)?;
        let change = Change::Set("unicodePwd".into(), vec![ad::password(secret)]);
        return desk.session.modify(&at, &[change]).map_err(of_password);
    }
    let name = entry.dn()?;
    desk.session.set_password(&name, secret).map_err(of_password)?;
    // A new password takes the lock away, and whoever is disabled stays so.
    if is_locked(&entry) {
        desk.session.modify(&At::Named(name), &[put(LOCK, FOREVER)])?;
    }
    Ok(())
}

fn put(attribute: &str, value: &str) -> Change {
    let values = if value.is_empty() { Vec::new() } else { vec![value.as_bytes().to_vec()] };
    Change::Set(attribute.to_owned(), values)
}

fn is_locked(entry: &Entry) -> bool {
    entry.text(LOCK) == FOREVER
}

/// A password that breaks the directory's rules is told as such.
pub fn of_password(fault: Fault) -> Fault {
    match fault.text.contains("refuses this password") {
        true => Fault {
            text: fault.text.replacen("The directory answered 19: it refuses this password.", "The directory refuses this password: it is too short, too simple or was used before.", 1),
            ..fault
        },
        false => fault,
    }
}

/// Flips one bit of what is there and looks whether it held.
pub fn enable(desk: &mut Desk<'_>, on: bool) -> Result<(), Fault> {
    let entry = match target(desk, &[])? {
        Some(entry) => entry,
        None if !on => return Ok(()),
        None => return needed(None).map(|_| ()),
    };
    if !desk.is_ad() {
        return lock(desk, &entry, on);
    }
    let now = entry.number("userAccountControl").unwrap_or(ad::NEW_ACCOUNT);
    let wanted = plan::enabled(now, on);
    if now == wanted {
        return Ok(());
    }
    let word = if on { "enable" } else { "disable" };
    if !desk.go(format!("{word} the account {}", entry.name)) {
        return Ok(());
    }
    let at = desk.at(&entry)?;
    let change = Change::Set("userAccountControl".into(), vec![wanted.to_string().into_bytes()]);
    desk.session.modify(&at, &[change]).map_err(of_password)?;
    let id = desk.id_of(&entry)?;
    let seen = needed(desk.by_id(&id, SEEN)?)?;
    match seen.number("userAccountControl").map(|now| now & ad::DISABLED == 0) == Some(on) {
        true => Ok(()),
        false => Err(not_held(&entry)),
    }
}

/// OpenLDAP knows no disabled accounts: they are locked where that has been shown to hold, or carry
/// an attribute that others look at, or have a password that nobody knows.
fn lock(desk: &mut Desk<'_>, entry: &Entry, on: bool) -> Result<(), Fault> {
    match desk.home.disabling {
        Disabling::Lock if on || desk.home.lock_holds => {
            if is_locked(entry) != on {
                return Ok(());
            }
            write_flag(desk, entry, on, put(LOCK, if on { "" } else { FOREVER }))
        }
        Disabling::Attribute => {
            let said = desk.home.disable_attribute.clone();
            let (attribute, value) = said.split_once('=').unwrap_or((said.as_str(), "TRUE"));
            let value = if on { "" } else { value };
            let now = desk.by_name(&entry.dn()?, &[attribute])?.unwrap_or_default();
            if now.text(attribute) == value {
                return Ok(());
            }
            write_flag(desk, entry, on, put(attribute, value))
        }
        Disabling::Lock | Disabling::Password if on => {
            desk.warnings.push(
                "OpenLDAP has no disabled accounts: the user needs a new password.".to_owned(),
            );
            Ok(())
        }
        mode => {
            if mode == Disabling::Lock {
                desk.warnings.push(
                    "No lock was shown to keep people out of this directory, so the password was replaced. Check the connector."
                        .to_owned(),
                );
            }
            if desk.go(format!("replace the password of {} by one that nobody knows", entry.name)) {
                let name = entry.dn()?;
                desk.session.set_password(&name, &first_password()?)?;
            }
            Ok(())
        }
    }
}

/// Writes what keeps the account out, or takes it away, and looks whether it held.
fn write_flag(desk: &mut Desk<'_>, entry: &Entry, on: bool, flag: Change) -> Result<(), Fault> {
    let word = if on { "enable" } else { "disable" };
    if !desk.go(format!("{word} the account {}", entry.name)) {
        return Ok(());
    }
    let name = entry.dn()?;
    desk.session.modify(&At::Named(name.clone()), std::slice::from_ref(&flag))?;
    let seen = needed(desk.by_name(&name, &[flag.attribute()])?)?;
    match seen.bytes(flag.attribute()).is_empty() == on {
        true => Ok(()),
        false => Err(not_held(entry)),
    }
}

fn not_held(entry: &Entry) -> Fault {
    let text = format!("{} was written, and reads as if it was not.", entry.name);
    Fault::new(fault::Stage::Call, fault::Class::Unknown, text)
}

/// Sets a counter of Active Directory to nothing.
pub fn set_number(desk: &mut Desk<'_>, attribute: &str, what: &str) -> Result<(), Fault> {
    if !desk.is_ad() {
        return Err(Fault::refused("This is for Active Directory alone."));
    }
    let entry = needed(target(desk, &[])?)?;
    if ["", "0"].contains(&entry.text(attribute).as_str()) {
        return Ok(());
    }
    if desk.go(format!("{what}: {}", entry.name)) {
        let at = desk.at(&entry)?;
        desk.session.modify(&at, &[Change::Set(attribute.to_owned(), vec![b"0".to_vec()])])?;
    }
    Ok(())
}
