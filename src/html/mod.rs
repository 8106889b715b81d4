//! The page around every page, and the parts pages are made of. Plain data goes in: nothing here
//! knows who asks or what is stored.

pub mod assets;
pub mod button;
pub mod chart;
pub mod field;
pub mod float;
pub mod form;
pub mod parts;
pub mod qr;
pub mod story;
pub mod table;
pub mod text;

use button::ACT;
use form::act_form;
use maud::{DOCTYPE, Markup, Render, html};
use parts::{Tone, avatar, crumbs, flash, icon};

/// What htmx may not do; the content policy forbids most of it anyway.
const HTMX: &str = concat!(
    r#"{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"#,
    r#""selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true}"#
);

/// The address of an embedded file by its plain name: `portico.css`.
pub fn asset(name: &str) -> &'static str {
    assets::address(name)
}

/// A page of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nav {
    Today,
    Customers,
    Users,
    Requests,
    Approvals,
    Services,
    Billing,
    Invoices,
    Connectors,
    Jobs,
    Mail,
    Roles,
    Audit,
    Tokens,
    Settings,
    /// One's own account, for whom there is nothing else.
    Account,
    /// A page that the rail does not list: search, one's own account.
    Elsewhere,
}

/// The rail says how many need attention up to here; above, that there are more.
pub const TOLD_APART: i64 = 9;

/// An entry of the rail, with what needs attention there. Only those that the asker may open are
/// given, in the order of [`Nav`].
#[derive(Clone, Copy, Debug)]
pub struct NavItem {
    pub nav: Nav,
    pub count: Option<(i64, Tone)>,
}

/// What happened after the last click. The first sentence is set bold where a second follows.
#[derive(Clone, Debug)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
    /// Label and address of what one may want to do next.
    pub action: Option<(String, String)>,
}

/// Everything around a page of somebody who is signed in.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub title: &'a str,
    pub nav: Nav,
    pub items: &'a [NavItem],
    /// Whether there is anything to look for.
    pub searches: bool,
    pub person: &'a str,
    pub role: &'a str,
    pub organisation: &'a str,
    pub csrf: &'a str,
    /// "light" or "dark" where the person chose; otherwise the system decides.
    pub theme: Option<&'a str>,
    /// The address of a reseller's own sheet.
    pub brand: Option<&'a str>,
    pub trail: &'a [(&'a str, String)],
    pub flash: Option<&'a Flash>,
    /// The address from which one goes to another customer, for whoever has several.
    pub switch: Option<&'a str>,
    pub acting: Option<Acting<'a>>,
}

/// Somebody who works in the name of somebody else.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    pub person: &'a str,
    pub other: &'a str,
    /// Until when, or that it is over.
    pub text: &'a str,
}

impl Nav {
    /// Label, address, icon, and the heading it stands under.
    fn entry(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Nav::Today => ("Today", "/today", "sun", ""),
            Nav::Customers => ("Customers", "/customers", "building", ""),
            Nav::Users => ("Users", "/users", "users", ""),
            Nav::Requests => ("Requests", "/requests", "transfer", ""),
            Nav::Approvals => ("Approvals", "/approvals", "list-check", ""),
            Nav::Services => ("Services", "/services", "stack-2", "Sell"),
            Nav::Billing => ("Billing", "/billing", "receipt", "Sell"),
            Nav::Invoices => ("Invoices", "/invoices", "file-invoice", "Sell"),
            Nav::Connectors => ("Connectors", "/connectors", "plug", "Run"),
            Nav::Jobs => ("Jobs", "/jobs", "clock", "Run"),
            Nav::Mail => ("Mail", "/mail", "mail", "Run"),
            Nav::Roles => ("Roles", "/roles", "shield", "Run"),
            Nav::Audit => ("Audit", "/audit", "history", "Run"),
            Nav::Tokens => ("Tokens", "/tokens", "key", "Run"),
            Nav::Settings => ("Settings", "/settings", "settings", "Run"),
            Nav::Account => ("My account", "/account", "user", ""),
            Nav::Elsewhere => ("", "", "", ""),
        }
    }

    pub fn label(self) -> &'static str {
        self.entry().0
    }

    pub fn href(self) -> &'static str {
        self.entry().1
    }
}

pub fn shell(frame: &Frame, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[frame.theme] {
            (head(&format!("{} · Portico", frame.title), frame.brand))
            body.shell {
                a.skip href="#main" { "Skip to content" }
                header.bar {
                    button.btn.btn-ghost.btn-icon type="button" popovertarget="rail" aria-label="Menu" {
                        (icon("menu-2"))
                    }
                    (brand(frame))
                    @if frame.searches {
                        a.btn.btn-ghost.btn-icon href="/search" data-dialog="palette"
                            aria-label="Search" { (icon("search")) }
                    }
                }
                nav.rail id="rail" popover aria-label="Main" {
                    (brand(frame))
                    @if frame.searches {
                        a.find-link href="/search" data-dialog="palette" {
                            (icon("search")) "Search" kbd { "Ctrl K" }
                        }
                    }
                    @if let Some(href) = frame.switch { (switcher(href)) }
                    (rail(frame))
                    (who(frame))
                }
                main id="main" tabindex="-1" {
                    @if let Some(acting) = &frame.acting { (acts_as(acting)) }
                    @if let Some(flash) = frame.flash { (happened(flash)) }
                    (crumbs(frame.trail))
                    (body)
                }
                @if frame.searches { (float::palette()) }
                @if let Some(href) = frame.switch { (float::switcher(href)) }
                (act_form(frame.csrf))
            }
        }
    }
}

/// A page without the rail: sign-in, set-up, errors. `foot` says whose installation it is.
pub fn alone(title: &str, wide: bool, foot: impl Render, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{title} · Portico"), None))
            body.alone {
                main.wide[wide] id="main" { (body) }
                footer { (foot) }
            }
        }
    }
}

fn head(title: &str, brand: Option<&str>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width";
            meta name="color-scheme" content="light dark";
            meta name="htmx-config" content=(HTMX);
            title { (title) }
            link rel="preload" href=(asset("inter-latin.woff2")) as="font" type="font/woff2" crossorigin;
            link rel="stylesheet" href=(asset("portico.css"));
            @if let Some(sheet) = brand { link rel="stylesheet" href=(sheet); }
            link rel="icon" href=(asset("favicon.svg"));
            script src=(asset("htmx.min.js")) defer {}
            script src=(asset("app.js")) defer {}
        }
    }
}

fn brand(frame: &Frame) -> Markup {
    html! {
        a.brand href="/today" {
            img src=(asset("logo.svg")) alt="" width="20" height="24";
            (frame.organisation)
        }
    }
}

fn switcher(href: &str) -> Markup {
    html! {
        a.find-link href=(href) data-dialog="switcher" { (icon("building")) "Switch customer" }
    }
}

fn rail(frame: &Frame) -> Markup {
    html! {
        @for heading in ["", "Sell", "Run"] {
            @let own = || frame.items.iter().filter(|item| item.nav.entry().3 == heading);
            @if own().next().is_some() {
                div {
                    @if !heading.is_empty() { h2 { (heading) } }
                    ul { @for item in own() { (entry(item, frame.nav)) } }
                }
            }
        }
    }
}

fn entry(item: &NavItem, now: Nav) -> Markup {
    let (label, href, shape, _) = item.nav.entry();
    html! {
        li {
            a href=(href) aria-current=[(item.nav == now).then_some("page")] {
                (icon(shape)) (label)
                @if let Some((count, tone)) = item.count.filter(|(count, _)| *count > 0) {
                    span class={ "count " (tone.word()) } {
                        @if count > TOLD_APART { (TOLD_APART) "+" } @else { (count) }
                        span.sr { " need attention" }
                    }
                }
            }
        }
    }
}

fn who(frame: &Frame) -> Markup {
    html! {
        div.foot {
            button.who type="button" popovertarget="me" {
                (avatar(frame.person))
                span { (frame.person) small { (frame.role) } }
            }
            div.dropdown-menu.who-menu id="me" popover {
                a.dropdown-item href="/account" { (icon("user")) "My account" }
                a.dropdown-item href="/account#appearance" { (icon("moon")) "Appearance" }
                hr.dropdown-divider;
                button.dropdown-item form=(ACT) formaction="/sign-out" {
                    (icon("logout")) "Sign out"
                }
            }
        }
    }
}

fn acts_as(acting: &Acting) -> Markup {
    let text = html! { b { (acting.person) " acts as " (acting.other) "." } " " (acting.text) };
    let stop = button::button("Stop").small().posts("/account/stop-acting");
    flash(Tone::Wait, text, Some(html! { (stop) }))
}

fn happened(what: &Flash) -> Markup {
    let (first, rest) = what.text.split_once(". ").unwrap_or((&what.text, ""));
    let text = html! {
        @if rest.is_empty() { (first) } @else { b { (first) "." } " " (rest) }
    };
    let action = what.action.as_ref().map(|(label, href)| {
        let button = button::link(label, href).small();
        html! { (button) }
    });
    flash(what.tone, text, action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(flash: Option<&Flash>) -> String {
        let items = [
            NavItem { nav: Nav::Today, count: Some((7, Tone::Bad)) },
            NavItem { nav: Nav::Customers, count: Some((0, Tone::Bad)) },
            NavItem { nav: Nav::Jobs, count: None },
        ];
        let trail = [("A<B", "/customers/7".to_owned())];
        let frame = Frame {
            title: "Users & <more>",
            nav: Nav::Customers,
            items: &items,
            searches: true,
            person: "Sunniva \"<Akselrod>\"",
            role: "Provider administrator",
            organisation: "Tarnholm & Sons",
            csrf: "k3J9xQ",
            theme: Some("dark"),
            brand: None,
            trail: &trail,
            flash,
            switch: None,
            acting: None,
        };
        shell(&frame, html! { h1 { "Users" } }).into_string()
    }

    #[test]
    fn the_rail_shows_what_is_given_and_where_one_is() {
        let text = page(None);
        assert_eq!(text.matches(r#"aria-current="page""#).count(), 1);
        assert!(text.contains(r#"<a href="/customers" aria-current="page">"#));
        assert!(text.contains("<h2>Run</h2>") && !text.contains("<h2>Sell</h2>"));
        assert!(text.contains(r#"<span class="count bad">7<span class="sr"> need attention"#));
        assert_eq!(text.matches("need attention").count(), 1, "nothing is not counted");
        assert!(text.contains(r#"data-theme="dark""#));
        assert!(text.contains("<title>Users &amp; &lt;more&gt; · Portico</title>"));
        assert!(text.contains("Sunniva &quot;&lt;Akselrod&gt;&quot;"));
    }

    #[test]
    fn signing_out_is_a_post_and_ids_are_unique() {
        let text = page(None);
        assert!(text.contains(r#"form="act" formaction="/sign-out""#));
        let form = text.split(r#"<form method="post" action="" id="act">"#).nth(1).unwrap();
        assert!(form.starts_with(r#"<input type="hidden" name="csrf" value="k3J9xQ">"#));
        let ids: Vec<_> =
            text.split(" id=\"").skip(1).map(|t| t.split('"').next().unwrap()).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn assets_are_asked_for_by_hashed_names() {
        let text = page(None);
        for name in ["portico.css", "app.js", "htmx.min.js", "favicon.svg", "logo.svg"] {
            assert!(!text.contains(&format!("/assets/{name}")), "{name}");
            assert!(text.contains(asset(name)), "{name}");
        }
    }

    #[test]
    fn a_flash_says_the_first_sentence_loudest() {
        let flash = Flash {
            tone: Tone::Ok,
            text: "Saved. Prices hold from <1 December>.".into(),
            action: Some(("Undo".into(), "/undo?a&b".into())),
        };
        let text = page(Some(&flash));
        assert!(text.contains("<b>Saved.</b> Prices hold from &lt;1 December&gt;."), "{text}");
        assert!(text.contains(r#"href="/undo?a&amp;b">Undo</a>"#));
        let alone = alone("Sign in", true, "Portico · <x>", html! {}).into_string();
        assert!(alone.contains(r#"<main class="wide" id="main">"#) && alone.contains("&lt;x&gt;"));
    }
}
