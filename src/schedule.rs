//! Every kind of run there is, and what runs by the clock.

use crate::agreed;
use crate::approvals;
use crate::assignments::{bulk, detach, fanout, later, purge};
use crate::catalogue::properties;
use crate::drift;
use crate::jobs::{Kind, Recurring};
use crate::many;
use crate::matching;
use crate::offers::recount;
use crate::{account, billing, customers, jobs, kits, offboarding, signin, upkeep, users};

pub const KINDS: &[Kind] = &[
    Kind {
        name: "customers.expire",
        title: "End customers whose term is over",
        resumes: true,
        run: customers::term::run,
    },
    Kind {
        name: customers::life::KIT,
        title: "Make a file of a customer's data",
        resumes: true,
        run: kits::run,
    },
    Kind {
        name: "customers.purge",
        title: "Empty the bin of customers",
        resumes: false,
        run: kits::empty_bin,
    },
    Kind {
        name: customers::transfer::KIND,
        title: "Move a customer",
        resumes: false,
        run: customers::transfer::run,
    },
    Kind {
        name: many::import::run::KIND,
        title: "Import users",
        resumes: true,
        run: many::import::run::run,
    },
    Kind {
        name: matching::import::KIND,
        title: "Import users from a directory",
        resumes: true,
        run: matching::import::run::run,
    },
    Kind { name: detach::KIND, title: "Detach a directory", resumes: true, run: detach::run::run },
    Kind {
        name: agreed::KIND,
        title: "Do what others have agreed to",
        resumes: true,
        run: agreed::run,
    },
    Kind {
        name: later::KIND,
        title: "Remove a service on its day",
        resumes: true,
        run: later::run,
    },
    Kind {
        name: many::import::services::run::KIND,
        title: "Import services",
        resumes: true,
        run: many::import::services::run::run,
    },
    Kind {
        name: matching::sync::KIND,
        title: "Follow a directory",
        resumes: true,
        run: matching::sync::run::run,
    },
    Kind {
        name: matching::sync::DUE,
        title: "Begin syncs that are due",
        resumes: false,
        run: matching::sync::due,
    },
    Kind {
        name: drift::run::KIND,
        title: "Look for what others changed in directories",
        resumes: false,
        run: drift::run::changes,
    },
    Kind {
        name: drift::run::WHOLE,
        title: "Look through directories whole",
        resumes: false,
        run: drift::run::whole,
    },
    Kind {
        name: drift::run::REPAIR,
        title: "Put right what others changed in a directory",
        resumes: false,
        run: drift::run::repair,
    },
    Kind { name: many::KIND, title: "Work on many users", resumes: true, run: many::run::run },
    Kind {
        name: offboarding::run::KIND,
        title: "Offboard a user",
        resumes: true,
        run: offboarding::run::run,
    },
    Kind {
        name: "users.expire",
        title: "End users whose last day is over",
        resumes: false,
        run: users::expiry::run,
    },
    Kind {
        name: "users.purge",
        title: "Erase users deleted thirty days ago",
        resumes: false,
        run: users::erase::run,
    },
    Kind {
        name: "users.forget",
        title: "Forget what users were long ago",
        resumes: false,
        run: users::memory::forget,
    },
    Kind {
        name: "passwords.expire",
        title: "Tell people whose password ends soon",
        resumes: false,
        run: signin::notices::passwords,
    },
    Kind {
        name: "secrets.expire",
        title: "Tell owners of API tokens that end soon",
        resumes: false,
        run: account::notices::tokens,
    },
    Kind {
        name: "domains.verify",
        title: "Look for the text records of domains that wait",
        resumes: false,
        run: customers::domains::verify::run,
    },
    Kind {
        name: "store.upkeep",
        title: "Clear what has had its time",
        resumes: false,
        run: upkeep::clear,
    },
    Kind {
        name: "connectors.doctor",
        title: "Check every connector",
        resumes: false,
        run: upkeep::examine_connectors,
    },
    Kind {
        name: "credentials.expire",
        title: "Tell of credentials that end soon",
        resumes: false,
        run: upkeep::tell_of_credentials,
    },
    Kind {
        name: "engine.watch",
        title: "Tell of work that waits and of freezes to come",
        resumes: false,
        run: upkeep::watch_engine,
    },
    Kind {
        name: "tasks.remind",
        title: "Remind people of tasks that are due",
        resumes: false,
        run: upkeep::remind_of_tasks,
    },
    Kind {
        name: approvals::reminders::KIND,
        title: "Remind of approvals, and end those that wait too long",
        resumes: false,
        run: approvals::reminders::run,
    },
    Kind {
        name: "billing.recalculate",
        title: "Compute bills that have changed",
        resumes: true,
        run: billing::nightly::recalculate,
    },
    Kind {
        name: "billing.lock",
        title: "Lock periods that are over",
        resumes: true,
        run: billing::nightly::lock,
    },
    Kind {
        name: recount::KIND,
        title: "Count what is in use anew",
        resumes: true,
        run: recount::run,
    },
    Kind {
        name: properties::APPLY,
        title: "Bring changed settings to who has the service",
        resumes: true,
        run: fanout::run,
    },
    Kind {
        name: purge::KIND,
        title: "Delete outside what users lost long ago",
        resumes: false,
        run: purge::run,
    },
    Kind {
        name: bulk::KIND,
        title: "Give a service to many users",
        resumes: true,
        run: bulk::give,
    },
];

pub const RECURRING: &[Recurring] = &[
    Recurring { kind: "customers.purge", label: "Bin of customers", schedule: "20 4 * * *" },
    Recurring { kind: "customers.expire", label: "Terms of customers", schedule: "5 * * * *" },
    Recurring { kind: "users.expire", label: "Last days", schedule: "5 * * * *" },
    Recurring { kind: offboarding::run::KIND, label: "Offboardings", schedule: "50 * * * *" },
    Recurring { kind: matching::sync::DUE, label: "Syncs", schedule: "10 * * * *" },
    Recurring { kind: drift::run::KIND, label: "Changes in directories", schedule: "*/15 * * * *" },
    Recurring { kind: drift::run::WHOLE, label: "Directories whole", schedule: "30 1 * * *" },
    Recurring { kind: "users.purge", label: "Erasing users", schedule: "25 3 * * *" },
    Recurring { kind: "users.forget", label: "Memories of users", schedule: "35 3 * * *" },
    Recurring { kind: "passwords.expire", label: "Passwords that end", schedule: "10 6 * * *" },
    Recurring { kind: "secrets.expire", label: "API tokens that end", schedule: "20 6 * * *" },
    Recurring { kind: "domains.verify", label: "Domains", schedule: "35 * * * *" },
    Recurring { kind: "connectors.doctor", label: "Connectors", schedule: "10 3 * * *" },
    Recurring { kind: "credentials.expire", label: "Credentials", schedule: "25 6 * * *" },
    Recurring { kind: "engine.watch", label: "Waiting work", schedule: "*/15 * * * *" },
    Recurring { kind: "tasks.remind", label: "Tasks that are due", schedule: "15 7 * * *" },
    Recurring { kind: "store.upkeep", label: "Upkeep", schedule: "40 3 * * *" },
    Recurring { kind: approvals::reminders::KIND, label: "Approvals", schedule: "10 * * * *" },
    Recurring { kind: "billing.recalculate", label: "Bills", schedule: "15 2 * * *" },
    Recurring { kind: recount::KIND, label: "Counters", schedule: "25 3 * * *" },
    Recurring { kind: purge::KIND, label: "What users lost", schedule: "55 3 * * *" },
    Recurring { kind: "billing.lock", label: "Periods", schedule: "45 2 * * *" },
];

/// The words for a kind of run.
pub fn title(kind: &str) -> &str {
    KINDS.iter().find(|each: &&jobs::Kind| each.name == kind).map_or(kind, |each| each.title)
}
