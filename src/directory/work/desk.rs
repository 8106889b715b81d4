//! All that one action has in hand: the conversation, whose it is, and where it may write.

use super::Order;
use super::store::{self, Binding, Home, Person};
use crate::connectors::call::Line;
use crate::db::{By, Via};
use crate::directory::{Class, Flavour, LocationKind};
use crate::drivers::ldap::ad;
use crate::drivers::ldap::fault::{self, Fault};
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::{At, Change, Depth, Entry, Session};
use crate::error::Error;
use crate::ids::{CustomerId, UserId};
use crate::web::App;
use serde_json::{Map, Value};

pub struct Desk<'a> {
    pub app: &'a App,
    pub line: &'a Line,
    pub order: &'a Order<'a>,
    pub home: Home,
    pub base: Dn,
    pub session: Session,
    pub installation: String,
    pub outputs: Map<String, Value>,
    pub changes: Vec<String>,
    pub warnings: Vec<String>,
}

/// What of every object is read.
pub const ALWAYS: &[&str] = &[
    "objectGUID",
    "entryUUID",
    "objectSid",
    "objectClass",
    "adminDescription",
    "employeeNumber",
    "businessCategory",
    "cn",
    "ou",
    "uid",
    "sAMAccountName",
    "userPrincipalName",
];

/// Values that a directory may refuse one by one, while the others are written.
const SOFT: [u32; 6] = [
    fault::NO_SUCH_ATTRIBUTE,
    fault::UNDEFINED_ATTRIBUTE,
    fault::CONSTRAINT,
    fault::VALUE_EXISTS,
    fault::BAD_SYNTAX,
    fault::OBJECT_CLASS,
];

impl<'a> Desk<'a> {
    pub fn open(app: &'a App, line: &'a Line, order: &'a Order<'a>) -> Result<Desk<'a>, Fault> {
        let (home, installation) =
            app.db.read(|db| Ok((store::home(db, order.customer)?, store::installation(db)?)))?;
        let home = home
            .ok_or_else(|| Fault::refused("The customer lives in no location with a directory."))?;
        if home.connector != line.id {
            let text = format!("The customer lives in another directory than {}.", line.name);
            return Err(Fault::refused(text));
        }
        let base = parse(&home.base)?;
        let session = line.sign_in(&app.config)??;
        Ok(Desk {
            app,
            line,
            order,
            home,
            base,
            session,
            installation,
            outputs: Map::new(),
            changes: Vec::new(),
            warnings: Vec::new(),
        })
    }

    pub fn is_ad(&self) -> bool {
        self.home.flavour == Flavour::Ad
    }

    /// A parameter that is a text; missing and empty are the same.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.order.params.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.order.props.get(name).and_then(Value::as_bool)
    }

    pub fn setting(&self, name: &str) -> Option<&'a str> {
        self.order.props.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub fn user(&self) -> Result<UserId, Fault> {
        self.order.user.ok_or_else(|| Fault::refused("The request is about no user."))
    }

    pub fn person(&self) -> Result<Person, Fault> {
        let user = self.user()?;
        Ok(self.app.db.read(|db| store::person(db, self.order.customer, user))?)
    }

    /// The text that says at the object whose it is.
    pub fn mark(&self, what: &str) -> Option<String> {
        self.home.marked.then(|| format!("portico:{}:{what}", self.installation))
    }

    pub fn mark_attribute(&self, class: Class) -> &'static str {
        match (self.is_ad(), class) {
            (true, _) => "adminDescription",
            (false, Class::User) => "employeeNumber",
            (false, Class::Group | Class::Ou) => "businessCategory",
        }
    }

    /// The id that an object keeps whatever becomes of its name.
    pub fn id_of(&self, entry: &Entry) -> Result<String, Fault> {
        let id = match self.is_ad() {
            true => entry.bytes("objectGUID").first().and_then(|bytes| ad::guid(bytes)),
            false => Some(entry.text("entryUUID")).filter(|id| !id.is_empty()),
        };
        id.ok_or_else(|| Fault::refused(format!("{} has no id that can be read.", entry.name)))
    }

    /// How it is read and changed.
    pub fn at(&self, entry: &Entry) -> Result<At, Fault> {
        match self.is_ad() {
            true => Ok(At::Guid(self.id_of(entry)?)),
            false => Ok(At::Named(entry.dn()?)),
        }
    }

    /// An object by its id, wherever it is now; none once it is deleted.
    pub fn by_id(&mut self, id: &str, more: &[&str]) -> Result<Option<Entry>, Fault> {
        let wanted: Vec<&str> = ALWAYS.iter().chain(more).copied().collect();
        let found = match self.is_ad() {
            true => self.session.read(&At::Guid(id.to_owned()), &wanted)?,
            false => {
                let at = At::Named(self.base.clone());
                let filter = Filter::is("entryUUID", id);
                let found = self.session.search(&at, Depth::Everything, &filter, &wanted, 2)?;
                found.into_iter().next()
            }
        };
        // What is deleted is kept elsewhere for a while under the same id.
        Ok(found.filter(|entry| !entry.name.contains("\\0ADEL:")))
    }

    pub fn by_name(&mut self, name: &Dn, more: &[&str]) -> Result<Option<Entry>, Fault> {
        let wanted: Vec<&str> = ALWAYS.iter().chain(more).copied().collect();
        self.session.read(&At::Named(name.clone()), &wanted)
    }

    /// All below `place` that fit.
    pub fn below(&mut self, place: &Dn, filter: &Filter, most: usize) -> Result<Vec<Entry>, Fault> {
        self.session.search(&At::Named(place.clone()), Depth::Everything, filter, ALWAYS, most)
    }

    /// The one object that carries our mark for `what`.
    pub fn by_mark(&mut self, class: Class, what: &str) -> Result<Option<Entry>, Fault> {
        let Some(mark) = self.mark(what) else { return Ok(None) };
        let filter = Filter::is(self.mark_attribute(class), &mark);
        let base = self.base.clone();
        let mut found = self.below(&base, &filter, 2)?;
        if found.len() > 1 {
            let names: Vec<String> = found.into_iter().map(|entry| entry.name).collect();
            let text = format!("Two objects carry the same mark of ours: {}.", names.join(" and "));
            return Err(Fault::refused(text));
        }
        Ok(found.pop())
    }

    pub fn bound(
        &self,
        class: Class,
        customer: CustomerId,
        subject: &str,
    ) -> Result<Option<Binding>, Fault> {
        Ok(self.app.db.read(|db| store::bound(db, self.line.id, class, customer, subject))?)
    }

    /// Remembers what is what; not in a dry run.
    pub fn bind(
        &self,
        class: Class,
        (customer, user): (CustomerId, Option<UserId>),
        subject: &str,
        entry: &Entry,
    ) -> Result<(), Fault> {
        if self.order.dry_run {
            return Ok(());
        }
        let id = self.id_of(entry)?;
        let known = self.bound(class, customer, subject)?;
        if known.is_some_and(|known| known.object == id && known.dn == entry.name && !known.adopted)
        {
            return Ok(());
        }
        let binding = Binding {
            class,
            object: id,
            customer,
            user,
            subject: subject.to_owned(),
            dn: entry.name.clone(),
            adopted: false,
        };
        let done = self
            .app
            .db
            .write(By::portico(Via::Engine), |tx| store::bind(tx, self.line.id, &binding));
        done.map_err(|err| match err {
            Error::Conflict(_) => Fault::refused(format!(
                "{} belongs to something else here already, so it is left alone.",
                entry.name
            )),
            err => err.into(),
        })
    }

    /// Remembers an object of the customer by another name from now on.
    pub fn rebind(&self, class: Class, subject: &str, entry: &Entry) -> Result<(), Fault> {
        let binding = Binding {
            class,
            object: self.id_of(entry)?,
            customer: self.order.customer,
            user: None,
            subject: subject.to_owned(),
            dn: entry.name.clone(),
            adopted: false,
        };
        Ok(self.app.db.write(By::portico(Via::Engine), |tx| {
            store::unbind(tx, self.line.id, &binding.object)?;
            store::bind(tx, self.line.id, &binding)
        })?)
    }

    /// Remembers who is in a group now.
    pub fn member(&self, group: &str, member: &Entry, is_in: bool) -> Result<(), Fault> {
        if self.order.dry_run {
            return Ok(());
        }
        let id = self.id_of(member)?;
        let it = (id.as_str(), member.name.as_str());
        Ok(self.app.db.write(By::portico(Via::Engine), |tx| {
            store::member(tx, self.line.id, group, it, is_in)
        })?)
    }

    pub fn unbind(&self, object: &str) -> Result<(), Fault> {
        if self.order.dry_run {
            return Ok(());
        }
        Ok(self
            .app
            .db
            .write(By::portico(Via::Engine), |tx| store::unbind(tx, self.line.id, object))?)
    }

    /// What the customer's objects are below: its own OU, or of one alone the OU that was chosen.
    pub fn area(&mut self) -> Result<Dn, Fault> {
        if self.home.kind == LocationKind::Private {
            return parse(&self.home.root);
        }
        match self.bound(Class::Ou, self.order.customer, "customer")? {
            Some(bound) => match self.by_id(&bound.object, &[])? {
                Some(entry) => entry.dn(),
                None => Err(Fault::refused(format!(
                    "The customer's OU {} was deleted in the directory.",
                    bound.dn
                ))),
            },
            None => Err(Fault::refused("The customer has no OU in the directory yet.")),
        }
    }

    /// Lets nothing be written outside the customer's part.
    pub fn guard(&mut self, name: &Dn) -> Result<(), Fault> {
        let area = self.area()?;
        match name.is_below(&area) {
            true => Ok(()),
            false => Err(Fault::refused(format!("{name} is outside {area}, so it is left alone."))),
        }
    }

    /// Says what is done, and whether it is to be done: not in a dry run.
    pub fn go(&mut self, what: String) -> bool {
        self.changes.push(what);
        !self.order.dry_run
    }

    pub fn give(&mut self, entry: &Entry) -> Result<(), Fault> {
        let id = self.id_of(entry)?;
        self.outputs.insert("dn".into(), entry.name.clone().into());
        self.outputs.insert("guid".into(), id.into());
        if let Some(sid) = entry.bytes("objectSid").first().and_then(|bytes| ad::sid(bytes)) {
            self.outputs.insert("sid".into(), sid.into());
        }
        Ok(())
    }

    /// Writes all, or where the directory refuses a value the others without it.
    pub fn modify_softly(&mut self, at: &At, changes: &[Change]) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        match self.session.modify(at, changes) {
            Err(fault) if fault.code.is_some_and(|code| SOFT.contains(&code)) => {}
            ended => return ended,
        }
        for change in changes {
            match self.session.modify(at, std::slice::from_ref(change)) {
                Err(fault) if fault.code.is_some_and(|code| SOFT.contains(&code)) => {
                    self.left_out(change.attribute(), &fault.text);
                }
                ended => ended?,
            }
        }
        Ok(())
    }

    pub fn left_out(&mut self, attribute: &str, why: &str) {
        self.warnings.push(format!("{attribute} was left out: {why}"));
    }

    pub fn is_soft(fault: &Fault) -> bool {
        let soft = fault.code.is_some_and(|code| SOFT.contains(&code));
        soft && !fault.text.contains("password") && !Desk::is_taken(fault)
    }

    /// Active Directory says so of names that must be one of their kind.
    pub fn is_taken(fault: &Fault) -> bool {
        fault.is(fault::CONSTRAINT) && fault.text.contains("already in use")
    }

    /// The whole domain, in which names are one of their kind; of OpenLDAP the base.
    pub fn whole(&self) -> Dn {
        let mut name = self.base.clone();
        while self.is_ad()
            && name.first().is_some_and(|step| !step.kind().eq_ignore_ascii_case("DC"))
        {
            match name.parent() {
                Some(parent) => name = parent,
                None => break,
            }
        }
        name
    }
}

pub fn parse(text: &str) -> Result<Dn, Fault> {
    Dn::parse(text).map_err(|why| Fault::refused(format!("“{text}” {why}.")))
}
