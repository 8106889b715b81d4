//! The documents that come with the program.

use super::Module;

const fn module(code: &'static str, version: i64, text: &'static str) -> Module {
    Module { code, version, about: "", before: "", template: false, text }
}

pub static SHELF: &[Module] = &[
    Module {
        about: "An account for each user in your customers’ Active Directory or OpenLDAP: made, kept up to date, disabled and removed, with an OU for each customer.",
        before: "A connector to the directory, and a location that your customers live in.",
        ..module("directory", 1, include_str!("../../../modules/directory.toml"))
    },
    Module {
        about: "A share for each customer with groups in the directory for reading, changing and full access. The folder itself is made by somebody, who is told what to do.",
        before: "Directory account.",
        ..module("files", 1, include_str!("../../../modules/files.toml"))
    },
    Module {
        about: "Remote desktops and apps by groups in the directory.",
        before: "Directory account.",
        ..module("desktop", 1, include_str!("../../../modules/desktop.toml"))
    },
    Module {
        about: "Mailboxes of an Exchange server of your own. The work there is done by somebody, with a checklist for each step.",
        before: "Directory account.",
        ..module("exchange", 1, include_str!("../../../modules/exchange.toml"))
    },
    Module {
        about: "A customer’s tenant at Microsoft: linked, its domains verified, unlinked. The work there is done by somebody, with a checklist for each step.",
        before: "",
        ..module("entra", 1, include_str!("../../../modules/entra.toml"))
    },
    Module {
        about: "Microsoft 365 licences for users. Buying, giving and taking back is done by somebody, with a checklist for each step.",
        before: "Microsoft Entra ID.",
        ..module("m365", 1, include_str!("../../../modules/m365.toml"))
    },
    Module {
        about: "DNS zones that you keep for customers, several for each. The entries are made by somebody, with a checklist for each step.",
        before: "",
        ..module("dns", 1, include_str!("../../../modules/dns.toml"))
    },
    Module {
        about: "Users who have it need a second factor when they sign in to Portico.",
        before: "",
        ..module("mfa", 1, include_str!("../../../modules/mfa.toml"))
    },
    Module {
        about: "A template: a service for users in which somebody does everything by hand and is told what to do.",
        before: "",
        template: true,
        ..module("user-task", 1, include_str!("../../../modules/user-task.toml"))
    },
    Module {
        about: "A template: a service for customers in which somebody does everything by hand and is told what to do.",
        before: "",
        template: true,
        ..module("customer-task", 1, include_str!("../../../modules/customer-task.toml"))
    },
];

/// The one of that code.
pub fn find(code: &str) -> Option<&'static Module> {
    SHELF.iter().find(|module| module.code == code)
}
