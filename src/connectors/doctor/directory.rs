//! What is right and wrong with a directory. Everything is read and nothing is written: the rights
//! are those that the directory itself says the account has.

use super::{Check, amber, green, red};
use crate::connectors::call::Line;
use crate::connectors::ldap::Directory;
use crate::connectors::store::{self, Base};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::ber;
use crate::drivers::ldap::fault::{Fault, Stage, WRONG_PASSWORD};
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::drivers::ldap::pipe::{Host, Security};
use crate::drivers::ldap::session::{self, At, Depth, Entry, Session};
use crate::error::Result;
use crate::time::Instant;
use crate::web::App;

const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
const IS_AD: &str = "1.2.840.113556.1.4.800";
const IS_READ_ONLY: &str = "1.2.840.113556.1.4.1920";
/// Seconds that two clocks may be apart, as Kerberos has it.
const APART: i64 = 300;

/// Tries the machines, signs in, and looks at what the account may do where customers' objects are.
pub fn examine(app: &App, line: &Line) -> Result<Vec<Check>> {
    let (Some(server), Some(directory)) = (line.server(&app.config)?, &line.directory) else {
        return Ok(vec![red("Machines", "No machine is named.", "Edit the connector.")]);
    };
    let now = app.db.now();
    let mut checks = Vec::new();
    let mut reached = None;
    let mut failed = Vec::new();
    for host in &server.hosts {
        match session::dial(&server, host) {
            Ok(session) => {
                checks.extend(connected(&session, now));
                reached = reached.or(Some(session));
            }
            Err(fault) => failed.push((host.clone(), fault)),
        }
    }
    let lost = reached.is_none();
    for (host, fault) in failed {
        let mut check = unreached(&host, &fault, directory.security);
        if !lost {
            check.light = super::Light::Amber;
        }
        checks.push(check);
    }
    let Some(mut session) = reached else { return Ok(checks) };
    if let Err(fault) = session.bind(&directory.sign_in_as, &line.password(&app.config)?) {
        checks.push(refused(directory, &fault));
        return Ok(checks);
    }
    checks.push(green("Sign-in", format!("{} is let in.", directory.sign_in_as)));
    let bases = app.db.read(|db| store::bases(db, line.id))?;
    if let Err(fault) = inside(&mut session, directory, &bases, now, &mut checks) {
        checks.push(red(
            "Reading",
            fault.text,
            "Check it again; if it stays so, look at the directory's own log.",
        ));
    }
    Ok(checks)
}

fn connected(session: &Session, now: Instant) -> Vec<Check> {
    let host = &session.host;
    let address = session.seen.address.map(|at| at.ip().to_string()).unwrap_or_default();
    let mut checks = vec![green("Machine", format!("{host} answers at {address}."))];
    let until = session.seen.certificate.as_deref().and_then(ber::validity);
    checks.push(match until {
        Some((_, until)) if until.since(now) < 30 * 24 * 3600 => amber(
            "Encryption",
            format!("The certificate of {} ends on {}.", host.name, day(until)),
            "Have the machine's certificate renewed before that day.",
        ),
        Some((_, until)) => green(
            "Encryption",
            format!("The certificate of {} is trusted and holds until {}.", host.name, day(until)),
        ),
        None => green("Encryption", format!("The certificate of {} is trusted.", host.name)),
    });
    checks
}

fn day(at: Instant) -> String {
    at.day(&crate::time::Zone::utc()).long()
}

fn unreached(host: &Host, fault: &Fault, security: Security) -> Check {
    let text = format!("{host}: {}", fault.text);
    match fault.stage {
        Stage::Address => red(
            "Name",
            text,
            "Correct the name, or, where the machine is in a private network, list that network in the connector.",
        ),
        Stage::Connect => red(
            "Machine",
            text,
            format!(
                "See that the machine runs, and that this machine may reach its port {} through the firewalls between them.",
                host.port
            ),
        ),
        Stage::Tls => red("Encryption", text, of_tls(&fault.text, host, security)),
        Stage::Bind | Stage::Call => red("Machine", text, "Look at the directory's own log."),
    }
}

/// The way out depends on what is wrong with the certificate.
fn of_tls(text: &str, host: &Host, security: Security) -> String {
    if text.contains("has expired") || text.contains("not valid yet") {
        return "Have the machine's certificate renewed, and see that the clocks of both machines are right.".into();
    }
    if text.contains("not for the name") {
        return format!(
            "Name the machine in the connector as its certificate does, or have a certificate made that names {}.",
            host.name
        );
    }
    if text.contains("authority") {
        return "Put the certificate of the authority that signed it into the connector, under Certificate authority.".into();
    }
    match security {
        Security::Ldaps => format!(
            "See that port {} speaks LDAPS; for StartTLS choose that in the connector.",
            host.port
        ),
        Security::StartTls => format!(
            "See that port {} offers StartTLS; where it speaks LDAPS choose that in the connector.",
            host.port
        ),
    }
}

fn refused(directory: &Directory, fault: &Fault) -> Check {
    let fix = match fault.code {
        Some(WRONG_PASSWORD) if fault.text.contains("disabled") => {
            "Enable the account in the directory."
        }
        Some(WRONG_PASSWORD)
            if fault.text.contains("expired") || fault.text.contains("must be changed") =>
        {
            "Give the account a password that does not expire, and put it into its credential."
        }
        Some(WRONG_PASSWORD) => {
            "Correct the account in the connector, or put its present password into its credential."
        }
        _ => "Look at the directory's own log.",
    };
    red("Sign-in", format!("{} is not let in. {}", directory.sign_in_as, fault.text), fix)
}

/// What is only seen by whoever is signed in.
fn inside(
    session: &mut Session,
    directory: &Directory,
    bases: &[Base],
    now: Instant,
    checks: &mut Vec<Check>,
) -> Result<(), Fault> {
    let wanted = [
        "currentTime",
        "supportedCapabilities",
        "supportedControl",
        "defaultNamingContext",
        "namingContexts",
        "schemaNamingContext",
        "configurationNamingContext",
    ];
    let root = session.read(&At::Root, &wanted)?.unwrap_or_default();
    let is_ad = root.texts("supportedCapabilities").iter().any(|oid| oid == IS_AD);
    checks.push(match root.texts("supportedControl").iter().any(|oid| oid == PAGED_RESULTS) {
        true => green("Pages", "Long results come in pages."),
        false => red(
            "Pages",
            "It does not hand out long results in pages.",
            "Allow the control 1.2.840.113556.1.4.319 in the directory.",
        ),
    });
    if is_ad {
        checks.push(clock(&root, now));
        checks.push(writable(&root));
        checks.push(administrator(session, directory, bases, &root)?);
    }
    if bases.is_empty() {
        checks.push(unused(&root, is_ad));
    }
    for base in bases {
        match Dn::parse(&base.name) {
            Ok(name) if is_ad => of_base(session, &name, base, &root, checks)?,
            Ok(name) => checks.push(readable(session, &name)?.1),
            Err(why) => checks.push(red(
                "Base",
                format!("The base {} {why}.", base.name),
                "Edit the directory.",
            )),
        }
    }
    Ok(())
}

fn unused(root: &Entry, is_ad: bool) -> Check {
    let kind = if is_ad { "Active Directory" } else { "OpenLDAP or a directory like it" };
    let base = match root.text("defaultNamingContext") {
        base if base.is_empty() => root.text("namingContexts"),
        base => base,
    };
    amber(
        "Use",
        format!(
            "It is {kind}; its base is {base}. No directory is made of it yet, so nothing uses it."
        ),
        "Make one under Directories; its rights are looked at then.",
    )
}

fn clock(root: &Entry, now: Instant) -> Check {
    let Some(theirs) = ber::generalized(&root.text("currentTime")) else {
        return amber("Clock", "It does not tell its time.", "");
    };
    let apart = theirs.since(now);
    match apart.abs() <= APART {
        true => green("Clock", format!("Its clock and ours are {} s apart.", apart.abs())),
        false => red(
            "Clock",
            format!(
                "Its clock is {} minutes {} ours.",
                apart.abs() / 60,
                if apart > 0 { "ahead of" } else { "behind" }
            ),
            "Set the clocks of both machines by a time server.",
        ),
    }
}

fn writable(root: &Entry) -> Check {
    match root.texts("supportedCapabilities").iter().any(|oid| oid == IS_READ_ONLY) {
        false => green("Controller", "It is a controller that takes changes."),
        true => red(
            "Controller",
            "It is a read-only controller.",
            "Name a controller that takes changes as the first machine of the connector.",
        ),
    }
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

fn administrator(
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

fn readable(session: &mut Session, name: &Dn) -> Result<(Option<Entry>, Check), Fault> {
    let wanted = ["allowedChildClassesEffective"];
    let found = session.read(&At::Named(name.clone()), &wanted)?;
    let check = match found {
        Some(_) => green("Base", format!("{name} is there.")),
        None => red(
            "Base",
            format!("{name} is not there, or the account may not read it."),
            "Correct the base of the directory, or let the account read it.",
        ),
    };
    Ok((found, check))
}

/// The rights where customers' objects are made, and what those objects need.
fn of_base(
    session: &mut Session,
    name: &Dn,
    base: &Base,
    root: &Entry,
    checks: &mut Vec<Check>,
) -> Result<(), Fault> {
    let (found, check) = readable(session, name)?;
    checks.push(check);
    if found.is_none() {
        return Ok(());
    }
    let customers =
        Rdn::new("OU", "Customers").map(|step| name.child(step)).unwrap_or(name.clone());
    let place = match session.read(&At::Named(customers.clone()), &["ou"])? {
        Some(_) => customers,
        None => name.clone(),
    };
    checks.extend(children(session, &place)?);
    checks.extend(attributes(session, &place)?);
    checks.push(schema(session, &root.text("schemaNamingContext"))?);
    if let Ok(domain) = Dn::parse(&root.text("defaultNamingContext")) {
        checks.push(policy(session, &domain)?);
        checks.push(suffixes(session, &domain, &root.text("configurationNamingContext"), base)?);
        checks.push(outside(session, &domain, &place)?);
    }
    Ok(())
}

/// What may be made there, one check for each class.
fn children(session: &mut Session, place: &Dn) -> Result<Vec<Check>, Fault> {
    let at = At::Named(place.clone());
    let found = session.read(&at, &["allowedChildClassesEffective"])?.unwrap_or_default();
    let may = found.texts("allowedChildClassesEffective");
    let classes = [
        ("Making OUs", "organizationalUnit", "organisational units"),
        ("Making accounts", "user", "accounts"),
        ("Making groups", "group", "groups"),
    ];
    let checks = classes.map(|(what, class, words)| {
        match may.iter().any(|each| each.eq_ignore_ascii_case(class)) {
            true => green(what, format!("It may make {words} in {place}.")),
            false => red(
                what,
                format!("It may not make {words} in {place}."),
                format!("Give the account the right to create and delete {class} objects in {place} and below."),
            ),
        }
    });
    Ok(checks.into())
}

/// What may be written of an account and of a group that is there.
fn attributes(session: &mut Session, place: &Dn) -> Result<Vec<Check>, Fault> {
    let mut of_account: Vec<&str> =
        ad::ATTRIBUTES.iter().map(|(_, attribute, _)| *attribute).collect();
    of_account.extend([
        "sAMAccountName",
        "userPrincipalName",
        "proxyAddresses",
        "accountExpires",
        "adminDescription",
    ]);
    let groups: [(&str, &str, &[&str]); 4] = [
        ("Writing accounts", "user", &of_account),
        ("Passwords", "user", &["unicodePwd", "pwdLastSet", "lockoutTime"]),
        ("Enabling accounts", "user", &["userAccountControl"]),
        ("Members of groups", "group", &["member"]),
    ];
    let mut checks = Vec::new();
    for (what, class, wanted) in groups {
        let filter = match class {
            "user" => Filter::All(vec![
                Filter::is("objectClass", "user"),
                Filter::is("objectClass", "computer").negated(),
            ]),
            _ => Filter::is("objectClass", "group"),
        };
        let at = At::Named(place.clone());
        let sample =
            session.search(&at, Depth::Everything, &filter, &["allowedAttributesEffective"], 1)?;
        let Some(sample) = sample.first() else {
            checks.push(amber(
                what,
                format!(
                    "There is no {} below {place} to look at.",
                    if class == "user" { "account" } else { "group" }
                ),
                "Check it again once there is one.",
            ));
            continue;
        };
        let may = sample.texts("allowedAttributesEffective");
        let missing: Vec<&str> = wanted
            .iter()
            .copied()
            .filter(|name| !may.iter().any(|each| each.eq_ignore_ascii_case(name)))
            .collect();
        checks.push(match missing.is_empty() {
            true => {
                green(what, format!("It may write what is needed ({} was looked at).", sample.name))
            }
            false => red(
                what,
                format!("Of {} it may not write {}.", sample.name, missing.join(", ")),
                format!(
                    "Give the account the right to write {} of {class} objects below {place}.",
                    missing.join(", ")
                ),
            ),
        });
    }
    Ok(checks)
}

/// Whether the directory knows what we write, and holds as much of it.
fn schema(session: &mut Session, schema: &str) -> Result<Check, Fault> {
    let Ok(schema) = Dn::parse(schema) else {
        return Ok(amber("Schema", "It does not say where its schema is.", ""));
    };
    let any =
        ad::ATTRIBUTES.iter().map(|(_, attribute, _)| Filter::is("lDAPDisplayName", attribute));
    let wanted = ["lDAPDisplayName", "rangeUpper"];
    let at = At::Named(schema);
    let found = session.search(&at, Depth::Children, &Filter::Any(any.collect()), &wanted, 500)?;
    let mut odd = Vec::new();
    for (_, attribute, most) in ad::ATTRIBUTES {
        match found.iter().find(|each| each.text("lDAPDisplayName").eq_ignore_ascii_case(attribute))
        {
            None => odd.push(format!("{attribute} is not there")),
            Some(entry) => {
                let holds =
                    entry.number("rangeUpper").and_then(|holds| usize::try_from(holds).ok());
                if holds.is_some_and(|holds| holds < *most) {
                    odd.push(format!("{attribute} holds {} only", holds.unwrap_or(0)));
                }
            }
        }
    }
    Ok(match odd.is_empty() {
        true => green("Schema", "It knows every attribute that is written."),
        false => amber(
            "Schema",
            format!("{}.", odd.join(", ")),
            "What does not fit is left out with a warning; the rest is written.",
        ),
    })
}

fn policy(session: &mut Session, domain: &Dn) -> Result<Check, Fault> {
    let at = At::Named(domain.clone());
    let found = session.read(&at, &["minPwdLength", "pwdHistoryLength"])?.unwrap_or_default();
    Ok(match found.number("minPwdLength") {
        None => red(
            "Password rules",
            "The account may not read the password rules of the domain.",
            format!("Let the account read minPwdLength of {domain}."),
        ),
        Some(least) if usize::try_from(least).is_ok_and(|least| least > ad::LENGTH) => red(
            "Password rules",
            format!("Passwords must have {least} characters; first passwords have {}.", ad::LENGTH),
            format!("Ask for {} characters at most.", ad::LENGTH),
        ),
        Some(least) => green(
            "Password rules",
            format!("Passwords must have {least} characters; first ones meet that."),
        ),
    })
}

/// The domains of customers, after the @ of their sign-in names.
fn suffixes(
    session: &mut Session,
    domain: &Dn,
    configuration: &str,
    base: &Base,
) -> Result<Check, Fault> {
    let place = Dn::parse(configuration).ok().zip(Rdn::new("CN", "Partitions").ok());
    let found = match place {
        Some((configuration, step)) => session
            .read(&At::Named(configuration.child(step)), &["uPNSuffixes"])?
            .unwrap_or_default(),
        None => Entry::default(),
    };
    let mut known: Vec<String> = found.texts("uPNSuffixes");
    known.push(dotted(domain));
    let missing: Vec<&str> = base
        .domains
        .iter()
        .map(String::as_str)
        .filter(|name| !known.iter().any(|each| each.eq_ignore_ascii_case(name)))
        .collect();
    Ok(match missing.is_empty() {
        true => green("Sign-in names", "The domains of all customers are known as suffixes."),
        false => amber(
            "Sign-in names",
            format!("Not known as suffixes: {}.", missing.join(", ")),
            "Add them as UPN suffixes under Active Directory Domains and Trusts.",
        ),
    })
}

/// `DC=example,DC=com` as `example.com`.
fn dotted(domain: &Dn) -> String {
    let text = domain.to_string();
    let parts: Vec<&str> =
        text.split(',').filter_map(|part| part.split_once('=')).map(|(_, value)| value).collect();
    parts.join(".")
}

/// More rights than are needed are more harm when the password is lost.
fn outside(session: &mut Session, domain: &Dn, place: &Dn) -> Result<Check, Fault> {
    let users = Rdn::new("CN", "Users").map(|step| domain.child(step));
    let mut more = Vec::new();
    for other in
        [Some(domain.clone()), users.ok()].into_iter().flatten().filter(|other| other != place)
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
