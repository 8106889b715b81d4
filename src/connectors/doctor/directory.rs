//! What is right and wrong with a directory. Everything is read and nothing is written, but for a
//! lock where accounts are to be kept out by one.

use super::{Check, amber, green, locks, red, rights};
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
    let looked = inside(&mut session, directory, &bases, now, &mut checks);
    let tried = looked.and_then(|()| locks::examine(app, &server, &mut session, &bases));
    match tried {
        Ok(more) => checks.extend(more),
        Err(fault) => checks.push(red(
            "Reading",
            fault.text,
            "Check it again; if it stays so, look at the directory's own log.",
        )),
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
        checks.push(rights::administrator(session, directory, bases, &root)?);
    }
    if bases.is_empty() {
        checks.push(unused(&root, is_ad));
    }
    for base in bases {
        match Dn::parse(&base.name) {
            Ok(name) if is_ad => {
                of_base(session, &name, base, (&root, &directory.sign_in_as), checks)?;
            }
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
    (root, sign_in_as): (&Entry, &str),
    checks: &mut Vec<Check>,
) -> Result<(), Fault> {
    let (found, check) = readable(session, name)?;
    checks.push(check);
    if found.is_none() {
        return Ok(());
    }
    let places = places(session, name, base)?;
    for place in &places {
        checks.extend(rights::examine(session, sign_in_as, root, place)?);
    }
    checks.push(schema(session, &root.text("schemaNamingContext"))?);
    if let Ok(domain) = Dn::parse(&root.text("defaultNamingContext")) {
        checks.push(policy(session, &domain)?);
        checks.push(suffixes(session, &domain, &root.text("configurationNamingContext"), base)?);
        checks.push(rights::outside(session, &domain, &places)?);
    }
    Ok(())
}

/// Where customers' objects are made: where the locations say, and before there is one where they lie
/// if nothing is said. What is not there yet is made in what is above it.
fn places(session: &mut Session, name: &Dn, base: &Base) -> Result<Vec<Dn>, Fault> {
    let mut wanted: Vec<Dn> = base.roots.iter().filter_map(|root| Dn::parse(root).ok()).collect();
    if wanted.is_empty() {
        wanted.extend(Rdn::new("OU", "Customers").map(|step| name.child(step)));
    }
    let mut places = Vec::new();
    for mut place in wanted {
        while place != *name && session.read(&At::Named(place.clone()), &["ou"])?.is_none() {
            place = place.parent().filter(|up| up.is_below(name)).unwrap_or(name.clone());
        }
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
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
