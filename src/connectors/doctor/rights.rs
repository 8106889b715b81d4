//! The rights of the account that signs in, as Active Directory itself states them: what may be made
//! and written, and from the list of rights at an object what may be deleted and set.

use super::{Check, amber, green, red};
use crate::connectors::ldap::Directory;
use crate::connectors::store::Base;
use crate::drivers::ldap::acl::{self, Rights};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::drivers::ldap::session::{At, Depth, Entry, Session};

/// A class that is made there: what its checks are called, and what people call it.
struct Kind {
    class: &'static str,
    making: &'static str,
    writing: &'static str,
    words: &'static str,
    one: &'static str,
    guid: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        class: "organizationalUnit",
        making: "Making OUs",
        writing: "Writing OUs",
        words: "organisational units",
        one: "OU",
        guid: acl::UNIT,
    },
    Kind {
        class: "user",
        making: "Making accounts",
        writing: "Writing accounts",
        words: "accounts",
        one: "account",
        guid: acl::USER,
    },
    Kind {
        class: "group",
        making: "Making groups",
        writing: "Writing groups",
        words: "groups",
        one: "group",
        guid: acl::GROUP,
    },
];

/// What the account may do below `place`, one check for each right of the published list.
pub fn examine(
    session: &mut Session,
    sign_in_as: &str,
    root: &Entry,
    place: &Dn,
) -> Result<Vec<Check>, Fault> {
    let domain = Dn::parse(&root.text("defaultNamingContext")).ok();
    let own = match domain {
        Some(domain) => identity(session, sign_in_as, &domain)?,
        None => Vec::new(),
    };
    let mut checks = Vec::new();
    let at = At::Named(place.clone());
    let found = session.read(&at, &["allowedChildClassesEffective"])?.unwrap_or_default();
    let may = found.texts("allowedChildClassesEffective");
    let listed = session.rights(&at)?;
    for kind in &KINDS {
        let make = may.iter().any(|each| each.eq_ignore_ascii_case(kind.class));
        let delete = listed.as_deref().map(|list| Rights { list, own: &own }.may_delete(kind.guid));
        checks.push(making(kind, place, make, delete.flatten()));
    }
    for kind in &KINDS {
        let sample = sample(session, place, kind)?;
        checks.push(writing(kind, place, sample.as_ref()));
        if let (Some(sample), "user") = (sample, kind.class) {
            let at = At::Named(sample.dn()?);
            let listed = session.rights(&at)?;
            let may = listed.as_deref().and_then(|list| Rights { list, own: &own }.may_reset());
            checks.push(resetting(place, &sample, may));
        }
    }
    Ok(checks)
}

/// `delete` is none where the list of rights cannot be read.
fn making(kind: &Kind, place: &Dn, make: bool, delete: Option<bool>) -> Check {
    let (words, class) = (kind.words, kind.class);
    let fix = format!(
        "Give the account the right to create and delete {class} objects in {place} and below."
    );
    match (make, delete) {
        (false, _) => red(kind.making, format!("It may not make {words} in {place}."), fix),
        (true, Some(false)) => {
            red(kind.making, format!("It may make {words} in {place} and not delete them."), fix)
        }
        (true, Some(true)) => {
            green(kind.making, format!("It may make and delete {words} in {place}."))
        }
        (true, None) => amber(
            kind.making,
            format!("It may make {words} in {place}; whether it may delete them cannot be read."),
            format!("Let the account read the permissions of {place}."),
        ),
    }
}

/// What is written of each class besides what the class is made with.
fn written(class: &str) -> Vec<&'static str> {
    match class {
        "user" => {
            let mut all: Vec<&str> =
                ad::ATTRIBUTES.iter().map(|(_, attribute, _)| *attribute).collect();
            all.extend([
                "sAMAccountName",
                "userPrincipalName",
                "proxyAddresses",
                "manager",
                "accountExpires",
                "adminDescription",
                "userAccountControl",
                "unicodePwd",
                "pwdLastSet",
                "lockoutTime",
                "cn",
            ]);
            all
        }
        "group" => vec!["member", "sAMAccountName", "mail", "adminDescription", "cn"],
        _ => vec!["ou", "adminDescription"],
    }
}

fn sample(session: &mut Session, place: &Dn, kind: &Kind) -> Result<Option<Entry>, Fault> {
    let filter = match kind.class {
        "user" => Filter::All(vec![
            Filter::is("objectClass", "user"),
            Filter::is("objectClass", "computer").negated(),
        ]),
        class => Filter::is("objectClass", class),
    };
    let at = At::Named(place.clone());
    let wanted = ["allowedAttributesEffective"];
    let found = session.search(&at, Depth::Everything, &filter, &wanted, 2)?;
    // The OU of the customers itself is made by people.
    Ok(found.into_iter().find(|entry| entry.dn().is_ok_and(|name| name != *place)))
}

fn writing(kind: &Kind, place: &Dn, sample: Option<&Entry>) -> Check {
    let Some(sample) = sample else {
        return amber(
            kind.writing,
            format!("There is no {} below {place} to look at.", kind.one),
            "Check it again once there is one.",
        );
    };
    let may = sample.texts("allowedAttributesEffective");
    let missing: Vec<&str> = written(kind.class)
        .into_iter()
        .filter(|name| !may.iter().any(|each| each.eq_ignore_ascii_case(name)))
        .collect();
    match missing.is_empty() {
        true => {
            let text = format!("It may write what is needed ({} was looked at).", sample.name);
            green(kind.writing, text)
        }
        false => red(
            kind.writing,
            format!("Of {} it may not write {}.", sample.name, missing.join(", ")),
            format!(
                "Give the account the right to write {} of {} objects below {place}.",
                missing.join(", "),
                kind.class
            ),
        ),
    }
}

fn resetting(place: &Dn, sample: &Entry, may: Option<bool>) -> Check {
    let fix = format!("Give the account the right Reset Password of user objects below {place}.");
    match may {
        Some(true) => {
            green("Passwords", format!("It may set passwords ({} was looked at).", sample.name))
        }
        Some(false) => {
            red("Passwords", format!("It may not set the password of {}.", sample.name), fix)
        }
        None => amber("Passwords", "Whether it may set passwords cannot be read.", fix),
    }
}

/// All that the account is: itself, and the groups that it is in.
fn identity(session: &mut Session, name: &str, domain: &Dn) -> Result<Vec<Vec<u8>>, Fault> {
    let mut all: Vec<Vec<u8>> = acl::EVERYBODY.iter().map(|sid| sid.to_vec()).collect();
    if let Some(account) = account(session, name, domain)? {
        let wanted = ["objectSid", "tokenGroups"];
        let found = session.read(&At::Named(account), &wanted)?.unwrap_or_default();
        all.extend(found.bytes("objectSid").iter().chain(found.bytes("tokenGroups")).cloned());
    }
    Ok(all)
}

/// The groups of administrators that the account is in, by their names.
pub fn administrator_of(
    session: &mut Session,
    sign_in_as: &str,
    domain: &Dn,
) -> Result<Vec<&'static str>, Fault> {
    let Some(account) = account(session, sign_in_as, domain)? else { return Ok(Vec::new()) };
    let found = session.read(&At::Named(account), &["tokenGroups"])?.unwrap_or_default();
    let numbers: Vec<u32> =
        found.bytes("tokenGroups").iter().filter_map(|sid| ad::rid(sid)).collect();
    let all = ad::ADMINISTRATORS.iter().filter(|(number, _)| numbers.contains(number));
    Ok(all.map(|(_, name)| *name).collect())
}

/// The object of the account that signs in, however it is called.
fn account(session: &mut Session, name: &str, domain: &Dn) -> Result<Option<Dn>, Fault> {
    if let Ok(dn) = Dn::parse(name) {
        return Ok(Some(dn));
    }
    let short = name.rsplit('\\').next().unwrap_or(name);
    let local = short.split('@').next().unwrap_or(short);
    let filter = Filter::Any(vec![
        Filter::is("userPrincipalName", name),
        Filter::is("sAMAccountName", if name.contains('@') { local } else { short }),
    ]);
    let at = At::Named(domain.clone());
    let found = session.search(&at, Depth::Everything, &filter, &["userPrincipalName"], 5)?;
    let exact = found.iter().find(|each| each.text("userPrincipalName").eq_ignore_ascii_case(name));
    exact.or(found.first()).map(Entry::dn).transpose()
}

/// Whether it may more than any service account should.
pub fn administrator(
    session: &mut Session,
    directory: &Directory,
    bases: &[Base],
    root: &Entry,
) -> Result<Check, Fault> {
    let Ok(domain) = Dn::parse(&root.text("defaultNamingContext")) else {
        return Ok(amber("Account", "It does not say which domain it is of.", ""));
    };
    let groups = administrator_of(session, &directory.sign_in_as, &domain)?;
    let typed = |base: &Base| base.let_through.as_ref() == Some(&directory.sign_in_as);
    if !groups.is_empty() && bases.iter().any(typed) {
        return Ok(amber(
            "Account",
            format!(
                "The account is in {}, and was typed to be used all the same.",
                groups.join(", ")
            ),
            "Use a service account of its own, with rights below the customers' OU only.",
        ));
    }
    Ok(match groups.is_empty() {
        true => green("Account", "The account is no administrator of the domain."),
        false => red(
            "Account",
            format!("The account is in {}.", groups.join(", ")),
            "Use a service account of its own, with rights below the customers' OU only.",
        ),
    })
}

/// More rights than are needed are more harm when the password is lost.
pub fn outside(session: &mut Session, domain: &Dn, places: &[Dn]) -> Result<Check, Fault> {
    let users = Rdn::new("CN", "Users").map(|step| domain.child(step));
    let mut more = Vec::new();
    for other in [Some(domain.clone()), users.ok()]
        .into_iter()
        .flatten()
        .filter(|other| !places.contains(other))
    {
        let at = At::Named(other.clone());
        let found = session.read(&at, &["allowedChildClassesEffective"])?.unwrap_or_default();
        let may = found.texts("allowedChildClassesEffective");
        if may.iter().any(|each| ["user", "group", "organizationalUnit"].contains(&each.as_str())) {
            more.push(other.to_string());
        }
    }
    Ok(match more.is_empty() {
        true => {
            green("Rights elsewhere", "It may make nothing where the domain's own objects are.")
        }
        false => amber(
            "Rights elsewhere",
            format!("It may also make objects in {}.", more.join(" and ")),
            "Take those rights away: they are not needed.",
        ),
    })
}
