//! What there is to permit, and which shipped role holds it.

use crate::ids::CustomerId;

/// Whom a permission may reach, seen from the customer a role stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// The customer itself, what is below it, or both.
    OwnAndBelow,
    /// What is below only: nobody does it to the own customer, hence nobody to the provider.
    Below,
    /// The whole installation; counts for users of the provider alone.
    Provider,
    /// Oneself.
    Oneself,
}

/// One own, two below, three both.
pub type Bits = i64;

impl Admits {
    pub fn bits(self) -> Bits {
        match self {
            Admits::OwnAndBelow | Admits::Provider => 3,
            Admits::Below => 2,
            Admits::Oneself => 0,
        }
    }
}

/// A permission as a type, so that a [`super::Scope`] for one cannot be taken for another's.
pub trait Permission {
    const NAME: &'static str;
    const ADMITS: Admits;
    /// Whether a role may limit it to services.
    const PER_SERVICE: bool;
}

/// The root of the tree.
pub const PROVIDER: CustomerId = CustomerId(1);

macro_rules! permissions {
    ($($name:ident $word:literal $admits:ident $($limit:ident)?;)+) => {
        $(pub struct $name;
        impl Permission for $name {
            const NAME: &'static str = $word;
            const ADMITS: Admits = Admits::$admits;
            const PER_SERVICE: bool = permissions!(@ $($limit)?);
        })+

        /// Every permission and what it admits.
        pub const ALL: &[(&str, Admits)] = &[$(($word, Admits::$admits)),+];

        /// Those that a role may limit to services.
        pub fn is_per_service(name: &str) -> bool {
            ALL.iter().zip(&[$(<$name as Permission>::PER_SERVICE),+])
                .any(|((each, _), limited)| *limited && *each == name)
        }
    };
    (@) => { false };
    (@ per_service) => { true };
}

permissions! {
    CustomersRead          "customers.read"           OwnAndBelow;
    CustomersCreate        "customers.create"         OwnAndBelow;
    CustomersUpdate        "customers.update"         OwnAndBelow;
    CustomersBillingUpdate "customers.billing_update" Below;
    CustomersLimits        "customers.limits"         Below;
    CustomersDomains       "customers.domains"        OwnAndBelow;
    CustomersDisable       "customers.disable"        Below;
    CustomersDeprovision   "customers.deprovision"    Below;
    CustomersDelete        "customers.delete"         Below;
    CustomersMove          "customers.move"           Below;
    CustomersExport        "customers.export"         OwnAndBelow;
    ResellersMake          "resellers.make"           Below;
    PropertiesDefine       "properties.define"        OwnAndBelow;
    UsersRead              "users.read"               OwnAndBelow;
    UsersCreate            "users.create"             OwnAndBelow;
    UsersUpdate            "users.update"             OwnAndBelow;
    UsersRename            "users.rename"             OwnAndBelow;
    UsersDisable           "users.disable"            OwnAndBelow;
    UsersDeprovision       "users.deprovision"        OwnAndBelow;
    UsersDelete            "users.delete"             OwnAndBelow;
    UsersMove              "users.move"               OwnAndBelow;
    UsersImport            "users.import"             OwnAndBelow;
    UsersExport            "users.export"             OwnAndBelow;
    UsersPassword          "users.password"           OwnAndBelow;
    UsersMfa               "users.mfa"                OwnAndBelow;
    UsersTemplates         "users.templates"          OwnAndBelow;
    UsersTestFlag          "users.test_flag"          Below;
    UsersActAs             "users.act_as"             OwnAndBelow;
    RolesRead              "roles.read"               OwnAndBelow;
    RolesGrant             "roles.grant"              OwnAndBelow;
    RolesWrite             "roles.write"              OwnAndBelow;
    RolesAllow             "roles.allow"              Below;
    TokensOwn              "tokens.own"               Oneself;
    TokensManage           "tokens.manage"            OwnAndBelow;
    AccountRead            "account.read"             Oneself;
    AccountUpdate          "account.update"           Oneself;
    AccountServices        "account.services"         Oneself;
    CatalogueRead          "catalogue.read"           OwnAndBelow;
    CatalogueWrite         "catalogue.write"          Provider;
    OffersWrite            "offers.write"             Below;
    PricesRead             "prices.read"              OwnAndBelow;
    PricesWrite            "prices.write"             Below;
    CostsRead              "costs.read"               Provider;
    ServicesRead           "services.read"            OwnAndBelow;
    CustomerServicesWrite  "customer_services.write"  OwnAndBelow per_service;
    UserServicesWrite      "user_services.write"      OwnAndBelow per_service;
    ServiceSettingsWrite   "service_settings.write"   OwnAndBelow per_service;
    ServicesForget         "services.forget"          Below;
    WorkspaceWrite         "workspace.write"          OwnAndBelow;
    WorkspaceAssign        "workspace.assign"         OwnAndBelow;
    RequestsRead           "requests.read"            OwnAndBelow;
    RequestsRetry          "requests.retry"           OwnAndBelow;
    RequestsRelease        "requests.release"         Below;
    ApprovalsDecide        "approvals.decide"         OwnAndBelow;
    ApprovalsWrite         "approvals.write"          OwnAndBelow;
    ConnectorsRead         "connectors.read"          OwnAndBelow;
    ConnectorsWrite        "connectors.write"         OwnAndBelow;
    RulesWrite             "rules.write"              Provider;
    TicketsRead            "tickets.read"             OwnAndBelow;
    TicketsWrite           "tickets.write"            OwnAndBelow;
    TicketsDelete          "tickets.delete"           OwnAndBelow;
    TicketsSettings        "tickets.settings"         OwnAndBelow;
    BillingRead            "billing.read"             OwnAndBelow;
    BillingRun             "billing.run"              Provider;
    BillingRules           "billing.rules"            Below;
    InvoicesRead           "invoices.read"            OwnAndBelow;
    InvoicesWrite          "invoices.write"           Below;
    ReportsRead            "reports.read"             OwnAndBelow;
    BrandsWrite            "brands.write"             OwnAndBelow;
    NotificationsWrite     "notifications.write"      OwnAndBelow;
    MessagesRead           "messages.read"            OwnAndBelow;
    AuditRead              "audit.read"               OwnAndBelow;
    JobsRead               "jobs.read"                Provider;
    JobsRun                "jobs.run"                 Provider;
    SettingsRead           "settings.read"            Provider;
    SettingsWrite          "settings.write"           Provider;
    SystemOperate          "system.operate"           Provider;
}

/// A shipped role: its name, where it may be held, whether it asks for a second factor, and whether
/// it is allowed where nobody says otherwise.
pub struct Shipped {
    pub column: &'static str,
    pub name: &'static str,
    pub held_in: &'static str,
    pub requires_factor: bool,
    /// Where it is allowed if nobody says otherwise: everywhere, provider, nowhere.
    pub allowed: &'static str,
    pub description: &'static str,
    /// Roles it consists of, by their column.
    pub includes: &'static [&'static str],
}

const fn shipped(
    column: &'static str,
    name: &'static str,
    held_in: &'static str,
    requires_factor: bool,
    description: &'static str,
) -> Shipped {
    Shipped {
        column,
        name,
        held_in,
        requires_factor,
        allowed: "everywhere",
        description,
        includes: &[],
    }
}

/// In the order of the columns below.
pub const SHIPPED: &[Shipped] = &[
    shipped("PA", "Provider administrator", "provider", true, "Everything, everywhere"),
    shipped("PH", "Provider helpdesk", "provider", true, "Users and their services, everywhere"),
    shipped("PB", "Provider billing", "provider", true, "Prices, bills and invoices, everywhere"),
    shipped("PD", "Provider developer", "provider", true, "Catalogue, connectors and rules"),
    shipped("AU", "Auditor", "provider", true, "Reads everything, changes nothing"),
    shipped("RA", "Reseller administrator", "reseller", true, "Everything of a reseller's branch"),
    shipped(
        "RH",
        "Reseller helpdesk",
        "reseller",
        true,
        "Users and services of a reseller's branch",
    ),
    shipped(
        "RB",
        "Reseller billing",
        "reseller",
        true,
        "Prices and invoices of a reseller's branch",
    ),
    shipped("CA", "Customer administrator", "any", true, "Everything of the own customer"),
    shipped("UA", "User administrator", "any", true, "Users of the own customer"),
    shipped("SA", "Service administrator", "any", false, "Services of the own customer"),
    shipped(
        "CH",
        "Customer helpdesk",
        "any",
        false,
        "Password links and tickets of the own customer",
    ),
    shipped("BV", "Billing viewer", "any", false, "Bills of the own customer"),
    shipped("AP", "Approver", "any", false, "Decides what waits for approval"),
];

/// Those that consist of few rights or of other roles.
pub const FURTHER: &[Shipped] = &[
    Shipped {
        includes: &["UA", "SA"],
        ..shipped(
            "USA",
            "User and service administrator",
            "any",
            true,
            "Users and services of the own customer",
        )
    },
    Shipped {
        allowed: "nowhere",
        ..shipped("MA", "My account", "any", false, "Changes the own details")
    },
    Shipped {
        allowed: "nowhere",
        ..shipped("MS", "My services", "any", false, "Asks for own services and drops them")
    },
    Shipped {
        allowed: "nowhere",
        includes: &["MA", "MS"],
        ..shipped("MB", "My account and services", "any", false, "Own details and own services")
    },
    Shipped {
        allowed: "provider",
        ..shipped("API", "API user", "any", false, "Makes API tokens for the own account")
    },
    Shipped {
        includes: &["AP"],
        ..shipped("AA", "Approval administrator", "any", false, "Decides, and says who decides")
    },
    shipped("DA", "Directory administrator", "any", false, "Connectors of the own customer"),
    shipped("BE", "Brand editor", "any", false, "How the own pages and mails look"),
    shipped("RR", "Report reader", "any", false, "Reports of the own customer"),
    shipped(
        "MC",
        "Main contact",
        "flag",
        false,
        "Tickets of the own customer; comes with the mark",
    ),
    shipped("SU", "Signed-in user", "all", false, "The own page, tickets and requests"),
];

/// What those hold, each as far as the own customer.
const FURTHER_RIGHTS: &[(&str, &str)] = &[
    ("MA", "account.update"),
    ("MS", "account.services"),
    ("API", "tokens.own"),
    ("AA", "approvals.write"),
    ("DA", "connectors.read connectors.write"),
    ("BE", "brands.write"),
    ("RR", "reports.read services.read users.read"),
    ("MC", "tickets.read tickets.write"),
    ("SU", "account.read"),
];

/// Which column holds what: `+` own and below, `o` own, `b` below, `.` nothing.
const MATRIX: &[(&str, &str)] = &[
    ("customers.read services.read", "+ + + + + + + + o o o o o o"),
    (
        "customers.create users.move roles.write tickets.delete tickets.settings",
        "+ . . . . + . . . . . . . .",
    ),
    (
        "customers.update customers.domains customers.export approvals.write brands.write",
        "+ . . . . + . . o . . . . .",
    ),
    (
        "customers.limits customers.disable customers.deprovision customers.delete customers.move \
         roles.allow offers.write requests.release",
        "b . . . . b . . . . . . . .",
    ),
    (
        "customers.billing_update users.test_flag prices.write billing.rules invoices.write",
        "b . b . . b . b . . . . . .",
    ),
    ("properties.define notifications.write tokens.manage", "+ . . + . + . . o . . . . ."),
    ("users.read", "+ + + + + + + + o o o o . o"),
    (
        "users.create users.update users.rename users.disable users.mfa",
        "+ + . . . + + . o o . . . .",
    ),
    ("users.password", "+ + . . . + + . o o . o . ."),
    (
        "users.deprovision users.delete users.import users.templates roles.grant",
        "+ . . . . + . . o o . . . .",
    ),
    ("users.export", "+ + + . + + + . o o . . . ."),
    ("users.act_as", "+ + . . . + + . . . . . . ."),
    ("roles.read", "+ + + + + + + . o o . . . ."),
    ("catalogue.read", "+ + + + + + + + o o o . o ."),
    ("prices.read billing.read invoices.read", "+ . + . + + . + o . . . o ."),
    ("reports.read", "+ . + . + + . + o o o . o ."),
    ("customer_services.write", "+ . . . . + . . o . o . . ."),
    ("user_services.write", "+ + . . . + + . o . o . . ."),
    ("service_settings.write workspace.write", "+ . . + . + . . o . o . . ."),
    ("workspace.assign", "+ + . . . + + . o o o . . ."),
    ("requests.read", "+ + + + + + + + o o o o . o"),
    ("requests.retry", "+ + . + . + + . o o o . . ."),
    ("approvals.decide", "+ . . . . + . . o . . . . o"),
    ("connectors.read audit.read", "+ + . + + + . . o . . . . ."),
    ("tickets.read", "+ + + . + + + . o . . o . ."),
    ("tickets.write", "+ + . . . + + . o . . o . ."),
    ("messages.read", "+ + . . + + + . o . . . . ."),
    ("connectors.write", "+ . . + . + . . . . . . . ."),
    ("resellers.make services.forget", "b . . . . . . . . . . . . ."),
    ("tokens.own", "+ . . + . + . . . . . . . ."),
    (
        "catalogue.write rules.write jobs.read jobs.run settings.read system.operate",
        "+ . . + . . . . . . . . . .",
    ),
    ("billing.run costs.read", "+ . + . . . . . . . . . . ."),
    ("costs.read jobs.read settings.read", ". . . . + . . . . . . . . ."),
    ("settings.write", "+ . . . . . . . . . . . . ."),
];

/// The rights of the shipped role in `column`: permission and bits.
pub fn rights_of(column: &str) -> Vec<(&'static str, Bits)> {
    let Some(place) = SHIPPED.iter().position(|role| role.column == column) else {
        let own = FURTHER_RIGHTS.iter().filter(|(each, _)| *each == column);
        return own.flat_map(|(_, names)| names.split(' ')).map(|name| (name, 1)).collect();
    };
    let mut rights = Vec::new();
    for (names, marks) in MATRIX {
        let bits = match marks.split(' ').nth(place) {
            Some("+") => 3,
            Some("o") => 1,
            Some("b") => 2,
            _ => continue,
        };
        rights.extend(names.split_ascii_whitespace().map(|name| (name, bits)));
    }
    rights
}

/// What the permission of that name admits.
pub fn admits(name: &str) -> Option<Admits> {
    ALL.iter().find(|(each, _)| *each == name).map(|(_, admits)| *admits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_names_permissions_that_exist_and_has_a_mark_for_each_role() {
        for (names, marks) in MATRIX {
            assert_eq!(marks.split(' ').count(), SHIPPED.len(), "{names}");
            names
                .split_ascii_whitespace()
                .for_each(|name| assert!(admits(name).is_some(), "{name}"));
        }
    }

    #[test]
    fn the_provider_administrator_holds_every_permission_but_those_of_oneself() {
        let held = rights_of("PA");
        for (name, admits) in ALL {
            let expected = *admits != Admits::Oneself || *name == "tokens.own";
            assert_eq!(held.iter().any(|(each, _)| each == name), expected, "{name}");
        }
    }
}
