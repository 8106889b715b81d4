//! The customers that somebody looked at last: ten numbers in a cookie of their browser, the latest
//! first. What may be shown of them is asked of the store by whoever shows it.

use super::{Method, Request, Response};
use crate::ids::{CustomerId, UserId};

const COOKIE: &str = "portico-recent";
const KEPT: usize = 10;

/// Of a browser that somebody else used before, none.
pub fn of(request: &Request, user: UserId) -> Vec<CustomerId> {
    let value = request.cookie(COOKIE).unwrap_or_default();
    let Some(rest) = value.strip_prefix(&format!("{user}:")) else { return Vec::new() };
    rest.split('.').filter_map(|id| id.parse().ok()).take(KEPT).collect()
}

/// Puts the customer before the others, where a page of it was shown.
pub fn note(request: &Request, user: UserId, customer: CustomerId, response: Response) -> Response {
    let mut all = of(request, user);
    if request.method != Method::Get || response.status != 200 || all.first() == Some(&customer) {
        return response;
    }
    all.retain(|each| *each != customer);
    all.insert(0, customer);
    let ids: Vec<String> = all.iter().take(KEPT).map(CustomerId::to_string).collect();
    let secure = if request.secure { "; Secure" } else { "" };
    let value = format!(
        "{COOKIE}={user}:{}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
        ids.join(".")
    );
    response.with("Set-Cookie", value)
}

/// The customer whose page the path is: `/customers/42/users`.
pub fn in_path(path: &str) -> Option<CustomerId> {
    path.strip_prefix("/customers/")?.split('/').next()?.parse().ok()
}

/// The tabs of a customer that another one has too: `/customers/42/users` is one of *users*.
const TABS: [&str; 10] = [
    "users", "devices", "services", "domains", "billing", "requests", "offers", "access", "audit",
    "edit",
];

/// The tab that a path lies in, if it is one of a customer.
pub fn tab(path: &str) -> &'static str {
    let word = path.strip_prefix("/customers/").and_then(|rest| rest.split('/').nth(1));
    TABS.iter().find(|tab| Some(**tab) == word).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::response;
    use std::net::{IpAddr, Ipv4Addr};

    fn asked(cookie: &str) -> Request {
        let headers = vec![("Cookie".to_owned(), format!("{COOKIE}={cookie}"))];
        Request::new("GET", "/", headers, Vec::new(), IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap()
    }

    #[test]
    fn ten_are_kept_the_latest_first_and_once_each() {
        let mut cookie = String::new();
        for id in [1, 2, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12] {
            let answer = note(&asked(&cookie), UserId(7), CustomerId(id), response::redirect("/"));
            assert!(answer.header("Set-Cookie").is_none(), "nothing was shown");
            let shown = response::html(200, maud::html! {});
            let answer = note(&asked(&cookie), UserId(7), CustomerId(id), shown);
            let set = answer.header("Set-Cookie").unwrap();
            cookie = set.split(['=', ';']).nth(1).unwrap().to_owned();
        }
        assert_eq!(cookie, "7:12.11.10.9.8.7.6.5.4.2");
        assert_eq!(of(&asked(&cookie), UserId(7)).len(), 10);
        assert_eq!(of(&asked(&cookie), UserId(8)), [], "another person’s browser");
        let same =
            note(&asked(&cookie), UserId(7), CustomerId(12), response::html(200, maud::html! {}));
        assert!(same.header("Set-Cookie").is_none());
    }

    #[test]
    fn a_path_says_which_customer_and_which_tab() {
        assert_eq!(in_path("/customers/42/users"), Some(CustomerId(42)));
        assert_eq!(in_path("/customers/new"), None);
        assert_eq!((tab("/customers/42/users/new"), tab("/customers/42")), ("users", ""));
        assert_eq!((tab("/customers/42/move"), tab("/users/7")), ("", ""));
    }
}
