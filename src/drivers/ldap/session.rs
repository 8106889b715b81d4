//! One conversation with one machine of a directory. Every call has its limit, names and filters
//! are typed, results come in pages, and referrals are not followed. The connection below lets no
//! control out that changes anything: above all none that deletes what lies below.

use super::fault::{self, Class, Fault, Stage};
use super::filter::Filter;
use super::name::{Dn, Rdn};
use super::pipe::{self, CONNECT, Gauge, Host, Seen, Server};
use crate::crash;
use crate::secret::Secret;
use ldap3::asn1::{PL, StructureTag};
use ldap3::controls::{Control, ControlParser, ControlType, PagedResults, RawControl};
use ldap3::exop::PasswordModify;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, StdStream};
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Results are fetched so many at a time.
const PAGE: i32 = 500;

/// How much of the tree is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Itself,
    Children,
    Everything,
}

/// What is read or changed: by name, or of Active Directory by its unchanging id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// What the directory says about itself.
    Root,
    Named(Dn),
    Guid(String),
}

impl At {
    fn text(&self) -> String {
        match self {
            At::Root => String::new(),
            At::Named(name) => name.to_string(),
            At::Guid(guid) => format!("<GUID={guid}>"),
        }
    }
}

/// One object as it was read. Attributes are found without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    pub fn bytes(&self, attribute: &str) -> &[Vec<u8>] {
        self.attributes.get(&attribute.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    pub fn texts(&self, attribute: &str) -> Vec<String> {
        let all = self.bytes(attribute).iter();
        all.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// The first value, or an empty text.
    pub fn text(&self, attribute: &str) -> String {
        self.texts(attribute).into_iter().next().unwrap_or_default()
    }

    pub fn number(&self, attribute: &str) -> Option<i64> {
        self.text(attribute).parse().ok()
    }

    pub fn dn(&self) -> Result<Dn, Fault> {
        Dn::parse(&self.name)
            .map_err(|why| Fault::refused(format!("The name “{}” {why}.", self.name)))
    }
}

/// A change of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// No value: the attribute goes.
    Set(String, Vec<Vec<u8>>),
    Add(String, Vec<Vec<u8>>),
    Remove(String, Vec<Vec<u8>>),
}

impl Change {
    pub fn attribute(&self) -> &str {
        match self {
            Change::Set(name, _) | Change::Add(name, _) | Change::Remove(name, _) => name,
        }
    }
}

pub struct Session {
    /// Before `runtime`, so that it ends first.
    ldap: Ldap,
    runtime: Runtime,
    gauge: Arc<Gauge>,
    limit: Duration,
    pub host: Host,
    pub seen: Seen,
    /// What was done, without values, for the log.
    pub trace: Vec<String>,
}

/// Tries the machines in their order and stays with the first that answers.
pub fn open(server: &Server) -> Result<Session, Fault> {
    let mut first = None;
    for host in &server.hosts {
        match dial(server, host) {
            Ok(session) => return Ok(session),
            Err(fault) => first = first.or(Some(fault)),
        }
    }
    Err(first.unwrap_or_else(|| Fault::refused("No machine of the directory is named.")))
}

/// Connects to one machine.
pub fn dial(server: &Server, host: &Host) -> Result<Session, Fault> {
    let all = pipe::addresses(host, &server.networks)?;
    let (stream, address) = pipe::connect(host, &all)?;
    let inside = |err: std::io::Error| Fault::network(Stage::Connect, err.to_string());
    let runtime = Builder::new_current_thread().enable_all().build().map_err(inside)?;
    let gauge = Arc::new(Gauge::default());
    let begin = async {
        let tls = pipe::encrypt(server, host, stream).await?;
        let certificates = tls.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(|all| all.first()).map(|first| first.to_vec());
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(inside)?;
        ours.set_nonblocking(true).map_err(inside)?;
        let ours = tokio::net::UnixStream::from_std(ours).map_err(inside)?;
        tokio::spawn(pipe::carry(tls, ours, gauge.clone()));
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(theirs));
        let (connection, ldap) = LdapConnAsync::with_settings(settings, "ldapi://directory")
            .await
            .map_err(|err| Fault::network(Stage::Connect, err.to_string()))?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told by its not coming.
            let _ended = connection.drive().await;
        });
        Ok((ldap, certificate))
    };
    let begun = runtime.block_on(async { timeout(CONNECT, begin).await });
    let (ldap, certificate) = begun.unwrap_or_else(|_| {
        let text = format!("{host} did not begin to speak within {} s.", CONNECT.as_secs());
        Err(Fault::network(Stage::Tls, text))
    })?;
    let seen = Seen { address: Some(address), certificate };
    let trace = vec![format!("connected to {host} ({})", address.ip())];
    Ok(Session { ldap, runtime, gauge, limit: server.limit, host: host.clone(), seen, trace })
}

impl Session {
    /// Runs one call within its limit, whatever the other side sends.
    fn call<T>(
        runtime: &Runtime,
        gauge: &Gauge,
        limit: Duration,
        work: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, Fault> {
        gauge.begin();
        let done = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async { timeout(limit, work).await })
        }));
        match done {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(LdapError::AddNoValues))) => {
                Err(Fault::refused("An attribute of a new object has no value."))
            }
            Ok(Ok(Err(LdapError::FilterParsing))) => Err(Fault::refused("The filter is not one.")),
            Ok(Ok(Err(err))) => Err(gauge.trouble().unwrap_or_else(|| {
                Fault::network(Stage::Call, format!("The connection broke: {err}."))
            })),
            Ok(Err(_)) => {
                let text = format!("There was no answer within {} s.", limit.as_secs());
                Err(Fault::network(Stage::Call, text))
            }
            Err(_) => {
                let text = "It did not answer in the language of directories.";
                Err(Fault::new(Stage::Call, Class::Unknown, text))
            }
        }
    }

    fn finish(&mut self, what: &str, stage: Stage, result: &LdapResult) -> Result<(), Fault> {
        self.trace.push(format!("{what}: {}", result.rc));
        match result.rc {
            0 => Ok(()),
            code => Err(Fault::of_code(stage, code, &result.text)),
        }
    }

    pub fn bind(&mut self, name: &str, password: &Secret) -> Result<(), Fault> {
        // A bind without password succeeds as nobody.
        if name.trim().is_empty() || password.reveal().is_empty() {
            let text = "There is no name or no password to sign in with.";
            return Err(Fault { stage: Stage::Bind, ..Fault::refused(text) });
        }
        let work = self.ldap.simple_bind(name, password.reveal());
        let result = Self::call(&self.runtime, &self.gauge, self.limit, work)
            .map_err(|fault| Fault { stage: Stage::Bind, ..fault })?;
        self.finish("sign in", Stage::Bind, &result)
    }

    /// At most `most` of the objects that fit.
    pub fn search(
        &mut self,
        at: &At,
        depth: Depth,
        filter: &Filter,
        attributes: &[&str],
        most: usize,
    ) -> Result<Vec<Entry>, Fault> {
        let mut found = Vec::new();
        self.pages((at, depth, filter), attributes, false, |page| {
            found.extend(page);
            Ok(found.len() < most)
        })?;
        found.truncate(most);
        Ok(found)
    }

    /// The same a page at a time, for as long as `each` wants more. `deleted`: of Active Directory,
    /// also what is there no more.
    pub fn pages(
        &mut self,
        (at, depth, filter): (&At, Depth, &Filter),
        attributes: &[&str],
        deleted: bool,
        mut each: impl FnMut(Vec<Entry>) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let scope = match depth {
            Depth::Itself => ldap3::Scope::Base,
            Depth::Children => ldap3::Scope::OneLevel,
            Depth::Everything => ldap3::Scope::Subtree,
        };
        let (base, filter) = (at.text(), filter.to_string());
        let mut cookie = Vec::new();
        loop {
            let mut controls = vec![RawControl::from(PagedResults { size: PAGE, cookie })];
            if deleted {
                let ctype = pipe::DELETED.to_owned();
                controls.push(RawControl { ctype, crit: true, val: None });
            }
            let attributes = attributes.to_vec();
            let work = self.ldap.with_controls(controls).search(&base, scope, &filter, attributes);
            let ldap3::SearchResult(entries, result) =
                Self::call(&self.runtime, &self.gauge, self.limit, work)?;
            self.trace.push(format!("search “{base}” {filter}: {} ({})", result.rc, entries.len()));
            if result.rc != 0 {
                return Err(Fault::of_code(Stage::Call, result.rc, &result.text));
            }
            cookie = next_page(&result.ctrls)?;
            // References to other directories are among them.
            let more = each(entries.into_iter().filter_map(|entry| read(entry.0)).collect())?;
            if cookie.is_empty() || !more {
                return Ok(());
            }
        }
    }

    /// One object, if it is there.
    pub fn read(&mut self, at: &At, attributes: &[&str]) -> Result<Option<Entry>, Fault> {
        let found = self.search(at, Depth::Itself, &Filter::anything(), attributes, 1);
        match found {
            Ok(found) => Ok(found.into_iter().next()),
            Err(fault) if fault.is(fault::ABSENT) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The list of rights at an object, where it may be read. Without saying which part is wanted
    /// nobody but an administrator is told any.
    pub fn rights(&mut self, at: &At) -> Result<Option<Vec<u8>>, Fault> {
        let control = RawControl {
            ctype: pipe::RIGHTS.to_owned(),
            crit: true,
            // The sequence of one number: the list of who may do what.
            val: Some(vec![0x30, 3, 2, 1, 4]),
        };
        let (base, filter) = (at.text(), Filter::anything().to_string());
        let wanted = vec!["nTSecurityDescriptor"];
        let work =
            self.ldap.with_controls(control).search(&base, ldap3::Scope::Base, &filter, wanted);
        let ldap3::SearchResult(entries, result) =
            Self::call(&self.runtime, &self.gauge, self.limit, work)?;
        self.trace.push(format!("rights at “{base}”: {}", result.rc));
        if result.rc != 0 {
            return Err(Fault::of_code(Stage::Call, result.rc, &result.text));
        }
        let found = entries.into_iter().find_map(|entry| read(entry.0)).unwrap_or_default();
        Ok(found.bytes("nTSecurityDescriptor").first().cloned())
    }

    pub fn add(&mut self, name: &Dn, attributes: &[(String, Vec<Vec<u8>>)]) -> Result<(), Fault> {
        let all = attributes.iter().filter(|(_, values)| !values.is_empty());
        let all: Vec<(Vec<u8>, HashSet<Vec<u8>>)> = all
            .map(|(name, values)| (name.clone().into_bytes(), values.iter().cloned().collect()))
            .collect();
        let name = name.to_string();
        let result = Self::call(&self.runtime, &self.gauge, self.limit, self.ldap.add(&name, all))?;
        crash::at("written");
        self.finish(&format!("add “{name}”"), Stage::Call, &result)
    }

    pub fn modify(&mut self, at: &At, changes: &[Change]) -> Result<(), Fault> {
        let all = changes.iter().map(|change| {
            let name = change.attribute().as_bytes().to_vec();
            let set = |values: &Vec<Vec<u8>>| values.iter().cloned().collect();
            match change {
                Change::Set(_, values) => ldap3::Mod::Replace(name, set(values)),
                Change::Add(_, values) => ldap3::Mod::Add(name, set(values)),
                Change::Remove(_, values) => ldap3::Mod::Delete(name, set(values)),
            }
        });
        let (name, all) = (at.text(), all.collect());
        let work = self.ldap.modify(&name, all);
        let result = Self::call(&self.runtime, &self.gauge, self.limit, work)?;
        let what: Vec<&str> = changes.iter().map(Change::attribute).collect();
        crash::at("written");
        self.finish(&format!("modify “{name}” {}", what.join(", ")), Stage::Call, &result)
    }

    /// Gives it a new name, another place, or both. The old name goes with it.
    pub fn rename(&mut self, name: &Dn, to: &Rdn, below: Option<&Dn>) -> Result<(), Fault> {
        let (name, to) = (name.to_string(), to.to_string());
        let below = below.map(Dn::to_string);
        let work = self.ldap.modifydn(&name, &to, true, below.as_deref());
        let result = Self::call(&self.runtime, &self.gauge, self.limit, work)?;
        let place = below.map(|below| format!(" below “{below}”")).unwrap_or_default();
        crash::at("written");
        self.finish(&format!("rename “{name}” to “{to}”{place}"), Stage::Call, &result)
    }

    /// One object alone: what lies below it makes the directory refuse.
    pub fn delete(&mut self, at: &At) -> Result<(), Fault> {
        let name = at.text();
        let result = Self::call(&self.runtime, &self.gauge, self.limit, self.ldap.delete(&name))?;
        crash::at("written");
        self.finish(&format!("delete “{name}”"), Stage::Call, &result)
    }

    /// Sets a password as RFC 3062 says: the directory keeps it as it likes.
    pub fn set_password(&mut self, name: &Dn, password: &Secret) -> Result<(), Fault> {
        let name = name.to_string();
        let ask = PasswordModify {
            user_id: Some(&name),
            old_pass: None,
            new_pass: Some(password.reveal()),
        };
        let work = self.ldap.extended(ask);
        let result = Self::call(&self.runtime, &self.gauge, self.limit, work)?;
        crash::at("written");
        self.finish(&format!("password of “{name}”"), Stage::Call, &result.1)
    }
}

/// Where the next page begins; nothing after the last.
fn next_page(controls: &[Control]) -> Result<Vec<u8>, Fault> {
    for Control(kind, raw) in controls {
        if let (Some(ControlType::PagedResults), Some(value)) = (kind, &raw.val) {
            let page = catch_unwind(|| <PagedResults as ControlParser>::parse(value));
            return page.map(|page| page.cookie).map_err(|_| {
                Fault::new(
                    Stage::Call,
                    Class::Unknown,
                    "It does not say where the next page begins.",
                )
            });
        }
    }
    Ok(Vec::new())
}

/// An object of a search, none where it is a reference or not well formed.
fn read(tag: StructureTag) -> Option<Entry> {
    if tag.id != 4 {
        return None;
    }
    let parts = |tag: StructureTag| match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    };
    let bytes = |tag: StructureTag| match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    };
    let mut whole = parts(tag)?.into_iter();
    let name = String::from_utf8(bytes(whole.next()?)?).ok()?;
    let mut attributes = BTreeMap::new();
    for attribute in parts(whole.next()?)? {
        let mut attribute = parts(attribute)?.into_iter();
        let name = String::from_utf8(bytes(attribute.next()?)?).ok()?.to_lowercase();
        let values: Vec<Vec<u8>> =
            parts(attribute.next()?)?.into_iter().filter_map(bytes).collect();
        attributes.insert(name, values);
    }
    Some(Entry { name, attributes })
}
