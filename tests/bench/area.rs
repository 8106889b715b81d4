//! Every list, search and form of customers and users, on a store of 200,000 users and on one of 2,000;
//! and the lists of customers where there are 20,000 of those.

use crate::goals::{Goals, short};
use crate::lists::{pair, rows};
use crate::store::{Actor, Store, named};

/// How much dearer a page may be on the large store.
const LIMIT: f64 = 1.5;

/// Lists, which show as many rows on both stores.
const LISTS: &[&str] = &[
    "/customers",
    "/customers?state=active",
    "/customers?type=standard",
    "/customers?sort=code",
    "/customers?sort=created",
    "/customers?sort=users",
    "/customers?unverified=true",
    "/customers?failed=true",
    "/customers?service=workplace",
    "/customers/tree",
    "/users",
    "/users?state=active",
    "/users?state=disabled",
    "/users?letter=M",
    "/users?badge=locked",
    "/users?badge=request_failed",
    "/users?badge=not_invited",
    "/users?test=true",
    "/users?main_contact=true",
    "/users?service=workplace",
    "/users?expires_within=30",
    "/users?no_factor=true",
    "/roles",
    "/audit",
    "/customers/{at}/users",
    "/customers/{at}/users?state=active",
    "/customers/{at}/users?service=workplace",
    "/customers/{at}/requests",
    "/customers/{at}/audit",
];

/// Searches: rare and common terms, short ones, parts of addresses.
const SEARCHES: &[&str] = &[
    "/customers?q=tarn",
    "/customers?q=qz",
    "/users?q=tarnbeek",
    "/users?q=ada",
    "/users?q=ad",
    "/users?q=zzzzzz",
    "/users?q=ada&service=workplace",
    "/customers/{at}/users?q=ada",
    "/search?q=tarn",
    "/search?q=ad",
    "/search?q=c17.example",
    "/search/hits?q=willem",
];

/// Pages and forms of one customer, one user, and those that make a new one.
const FORMS: &[&str] = &[
    "/customers/new",
    "/customers/views?state=active",
    "/customers/{at}",
    "/customers/{at}/edit",
    "/customers/{at}/domains",
    "/customers/{at}/departments",
    "/customers/{at}/locations",
    "/customers/{at}/contacts",
    "/customers/{at}/patterns",
    "/customers/{at}/settings",
    "/customers/{at}/properties",
    "/customers/{at}/templates",
    "/customers/{at}/access",
    "/customers/{at}/allowed-roles",
    "/customers/{at}/devices",
    "/customers/{at}/services",
    "/customers/{at}/disable",
    "/customers/{at}/move",
    "/customers/{at}/export",
    "/customers/{at}/users/new",
    "/customers/{at}/users/import",
    "/customers/{at}/users/bulk?id={user}",
    "/users/views?state=active",
    "/users/bulk?id={user}&action=offboard",
    "/users/{user}",
    "/users/{user}/edit",
    "/users/{user}/services",
    "/users/{user}/access",
    "/users/{user}/devices",
    "/users/{user}/requests",
    "/users/{user}/memory",
    "/users/{user}/audit",
    "/users/{user}/sign-in",
    "/users/{user}/copy",
    "/users/{user}/disable",
    "/users/{user}/offboard",
    "/users/{user}/move",
    "/users/{user}/merge",
    "/switch",
    "/account",
];

pub fn pages(goals: &mut Goals, small: &Store, large: &Store) {
    for (list, urls) in [(true, LISTS), (false, SEARCHES), (false, FORMS)] {
        for url in urls {
            compare(goals, small, large, url, list);
        }
    }
}

/// The first page of customers and what finds them, with ten users a customer.
pub fn customers(goals: &mut Goals, small: &Store, large: &Store) {
    for url in LISTS.iter().filter(|url| url.starts_with("/customers") && !url.contains("{at}")) {
        compare(goals, small, large, url, true);
    }
    for url in ["/customers?q=tarn", "/customers?q=qz", "/search?q=tarn", "/search?q=c17.example"] {
        compare(goals, small, large, url, false);
    }
}

/// One page for each of those who may see it: the dearest of them is told.
fn compare(goals: &mut Goals, small: &Store, large: &Store, url: &str, list: bool) {
    let mut worst: Option<(f64, String)> = None;
    for (few, many) in small.actors.each().into_iter().zip(large.actors.each()) {
        let (Some(mut a), Some(mut b)) = (there(small, few, url), there(large, many, url)) else {
            continue;
        };
        if list {
            let rows = rows(&small.ask(few, &a).text()).min(rows(&large.ask(many, &b).text()));
            let limit = |url: &str| {
                let sign = if url.contains('?') { '&' } else { '?' };
                format!("{url}{sign}limit={}", rows.clamp(1, 50))
            };
            (a, b) = (limit(&a), limit(&b));
        }
        let (x, y) = pair(goals.rounds, || small.ask(few, &a), || large.ask(many, &b));
        let ratio = y.middle() / x.middle();
        if worst.as_ref().is_none_or(|(most, _)| ratio > *most) {
            let cost = format!("{} / {} ms", short(y.middle()), short(x.middle()));
            worst = Some((ratio, format!("{url}, {} ({cost})", few.kind)));
        }
    }
    match worst {
        Some((ratio, what)) => goals.at_most(&what, LIMIT, "", ratio),
        None => panic!("{url} is for nobody"),
    }
}

/// The address of a page that is there, one step on where it leads elsewhere; nothing where it is not for
/// whoever looks.
fn there(store: &Store, actor: &Actor, url: &str) -> Option<String> {
    let mut url = of(store, actor, url);
    let mut answer = store.ask(actor, &url);
    if answer.status == 303 {
        url = answer.header("Location").unwrap_or_default().to_owned();
        answer = store.ask(actor, &url);
    }
    match answer.status {
        200 => Some(url),
        403 | 404 => None,
        status => panic!("{url} for the {}: {status}", actor.kind),
    }
}

/// The address for one who looks: at a customer they see, and a user of it.
fn of(store: &Store, actor: &Actor, url: &str) -> String {
    let home = |kind: &str| {
        let upn = named(kind);
        store.number(&format!("SELECT customer_id FROM users WHERE upn GLOB '{upn}'"))
    };
    let at = match actor.kind {
        "small reseller" => {
            let own = home(actor.kind);
            store.number(&format!(
                "SELECT coalesce(min(id), {own}) FROM customers WHERE parent_id = {own}"
            ))
        }
        _ => home("customer"),
    };
    let user = "SELECT coalesce(min(id), 0) FROM users WHERE state = 'active' AND upn NOT GLOB 'customer@*'";
    let user = store.number(&format!("{user} AND customer_id = {at}"));
    url.replace("{at}", &at.to_string()).replace("{user}", &user.to_string())
}
