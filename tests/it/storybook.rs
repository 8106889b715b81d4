//! Every component on a page, examined for classes, icons and ids. With `STORYBOOK=folder` the pages
//! are written there to be looked at.

use crate::assets::examine;
use maud::{Markup, html};
use portico::error::Complaint;
use portico::html::assets::lookup;
use portico::html::button::{Item, button, cancel, close, link, menu, menu_button, primary};
use portico::html::chart::{Chart, Shape, chart};
use portico::html::field::{
    Opts, check, choice_field, complaint_of, file_field, radio, text_field, textarea, tick,
};
use portico::html::float::{Hit, Hits, dialog, drawer, hits};
use portico::html::form::{complaints_flash, fieldset, form_foot, post_form, post_upload};
use portico::html::parts::{
    Head, Tone, card, card_flush, datagrid, facts, flash, page_head, pill, pill_tint, section,
    stats, tabs, tag, tag_set,
};
use portico::html::story::{
    Change, Event, Sign, Step, Todo, diff, events, live, log, progress, steps, todo,
};
use portico::html::table::{
    Look, Picked, Sort, acts, bulk, chips, column, empty, filters, paging, pick, search, select,
    table_with,
};
use portico::html::text::{change, clock, count, duration, money, price, signed, when};
use portico::html::{Flash, Frame, Nav, NavItem, alone, asset, shell};
use portico::input::Input;
use portico::money::{Currency, Money};
use portico::time::{Instant, Zone};
use std::fs;
use std::path::Path;

const TOKEN: &str = "k3J9xQ";

#[test]
fn every_component_has_its_rules_icons_and_ids() {
    let pages = [
        ("today", framed("Today", Nav::Today, today())),
        ("users", framed("Users", Nav::Users, users())),
        ("form", framed("New user", Nav::Users, form())),
        ("request", framed("Offboard Idris Vantongeren", Nav::Requests, request())),
        ("parts", framed("Parts", Nav::Settings, parts())),
        ("why", framed("Billing", Nav::Billing, why())),
        ("sign-in", alone("Sign in", false, "Portico · Tarnholm IT", sign_in())),
        ("absent", alone("There is nothing here", false, "Portico · Tarnholm IT", absent())),
    ];
    let folder = std::env::var_os("STORYBOOK");
    for (name, page) in pages {
        let text = page.into_string();
        examine(&text);
        if let Some(folder) = &folder {
            fs::write(Path::new(folder).join(format!("{name}.html")), text).unwrap();
        }
    }
    if let Some(folder) = folder {
        let folder = Path::new(&folder).join("assets");
        fs::create_dir_all(&folder).unwrap();
        for name in FILES {
            let file = asset(name).strip_prefix("/assets/").unwrap();
            fs::write(folder.join(file), lookup(file, "").unwrap().bytes).unwrap();
        }
    }
}

const FILES: &[&str] = &[
    "portico.css",
    "app.js",
    "htmx.min.js",
    "icons.svg",
    "logo.svg",
    "favicon.svg",
    "inter-latin.woff2",
    "inter-ext.woff2",
];

fn framed(title: &str, nav: Nav, body: Markup) -> Markup {
    let bad = |count| Some((count, Tone::Bad));
    let items = [
        NavItem { nav: Nav::Today, count: bad(7) },
        NavItem { nav: Nav::Customers, count: None },
        NavItem { nav: Nav::Users, count: None },
        NavItem { nav: Nav::Requests, count: bad(2) },
        NavItem { nav: Nav::Services, count: None },
        NavItem { nav: Nav::Billing, count: None },
        NavItem { nav: Nav::Invoices, count: Some((4, Tone::Off)) },
        NavItem { nav: Nav::Connectors, count: None },
        NavItem { nav: Nav::Jobs, count: None },
        NavItem { nav: Nav::Mail, count: None },
        NavItem { nav: Nav::Roles, count: None },
        NavItem { nav: Nav::Audit, count: None },
        NavItem { nav: Nav::Tokens, count: None },
        NavItem { nav: Nav::Settings, count: None },
    ];
    let saved = Flash {
        tone: Tone::Ok,
        text: "Saved. Prices hold from 1 December.".into(),
        action: Some(("Undo".into(), "/undo".into())),
    };
    let trail = [("Customers", "/customers".into()), ("Brightwater Office", "/customers/7".into())];
    let frame = Frame {
        searches: true,
        title,
        nav,
        items: &items,
        person: "Sunniva Akselrod",
        role: "Provider administrator",
        organisation: "Tarnholm IT",
        csrf: TOKEN,
        theme: None,
        brand: None,
        trail: if nav == Nav::Today { &[] } else { &trail },
        flash: (nav == Nav::Settings).then_some(&saved),
        acting: None,
        switch: Some("/switch"),
    };
    shell(&frame, body)
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn today() -> Markup {
    let wants = |tone, icon, what: &str, why: &str, act, main| Todo {
        tone,
        icon,
        what: html! { (what) },
        why: html! { (why) },
        act,
        href: "/requests/1",
        main,
    };
    let list = [
        wants(
            Tone::Bad,
            "alert-triangle",
            "Mailbox for Theo Vane was not created",
            "Aldermoor Dental · no Business Premium licence left (23 of 23 used) · 3 attempts",
            "Open request",
            true,
        ),
        wants(
            Tone::Wait,
            "user-question",
            "Offboarding Idris Vantongeren waits for approval",
            "Aldermoor Dental · asked by Maren Tolliver · saves €37.80 a month",
            "Review plan",
            false,
        ),
        wants(
            Tone::Busy,
            "message",
            "Ticket 4812 has had no answer",
            "Nobody assigned",
            "Take it",
            false,
        ),
    ];
    let zone = Zone::named("Europe/Amsterdam").unwrap();
    let done = |time, what: &str, note: &str| {
        Event::At(Tone::Ok, clock(at(time), &zone), html! { (what) small { (note) } })
    };
    let story = [
        done("2026-11-17T01:30:00Z", "Backup written and checked", "418 MB · 41 s"),
        done("2026-11-17T03:00:00Z", "12 directories compared", "Hollin Veterinary Clinic"),
        Event::Day("Yesterday".into()),
        done("2026-11-16T07:12:00Z", "2 users created", "Lumen Yard Architects"),
    ];
    html! {
        (page_head("Today", Head {
            lede: "Tuesday 17 November 2026. Seven things want a decision; the rest runs by itself.",
            actions: Some(html! { (link("New user", "/users/new").icon("user-plus")) }),
            ..Head::default()
        }))
        div.cols {
            div.stack {
                (card_flush("Needs you", Some(html! { span.muted.small { "3 of 7" } }), todo(&list)))
                (card("Quietly done since yesterday", None, events(&story)))
            }
            div.stack {
                (card("Revenue", None, html! {
                    (revenue(Shape::Bars, "c1")) hr; (revenue(Shape::Line, "c2"))
                }))
                (card("This box", None, facts(&[
                    ("Last backup", pill(Tone::Ok, "8 hours ago")),
                    ("Connections", pill(Tone::Wait, "11 of 12 healthy")),
                    ("Version", html! { "1.0.4" }),
                ])))
            }
        }
    }
}

fn revenue(shape: Shape, id: &str) -> Markup {
    let months =
        ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"];
    let values =
        [9100, 9200, 9350, 9600, 9700, 9950, 10_010, 10_100, 10_500, 10_800, 11_420, 11_684];
    let points: Vec<_> =
        months.iter().zip(values).map(|(month, value)| ((*month).to_owned(), value)).collect();
    chart(Chart {
        id,
        title: "Monthly revenue",
        now: html! { "€11,684" },
        delta: Some(html! { (change(euro(26_400))) span.muted { " on October" } }),
        each: "Month",
        points: &points,
        shape,
        format: &|value| money(euro(value * 100)).into_string(),
    })
}

fn users() -> Markup {
    let people = [
        ("Idris Vantongeren", "Dentist", "2026-11-15T09:00:00Z", Tone::Wait, "Leaving 30 Nov"),
        ("Maren Tolliver", "Practice manager", "2026-11-17T08:38:00Z", Tone::Ok, "Active"),
        ("Theo Vane", "Hygienist", "2026-08-12T08:38:00Z", Tone::Bad, "Mailbox failed"),
        ("Łukasz Brzezanko", "Technician", "2026-11-16T08:38:00Z", Tone::Busy, "Provisioning"),
        ("Petra Osterhuis", "Assistant", "2025-08-12T08:38:00Z", Tone::Off, "Disabled"),
    ];
    let (zone, now) = (Zone::named("Europe/Amsterdam").unwrap(), at("2026-11-17T09:00:00Z"));
    let rows = html! {
        @for (id, (name, job, seen, tone, state)) in people.iter().enumerate() {
            @let key = format!("user-{id}");
            tr {
                (pick(name, id, if id == 1 { Picked::Yes } else { Picked::No }))
                th scope="row" {
                    a href={ "/users/" (id) } { (name) }
                    small { "somebody@aldermoor.example · Aldermoor Dental" }
                }
                td.p3 { (job) }
                td.num.p2 { (price(euro(i64::try_from(id).unwrap() * 2060))) }
                td.p3.muted { (when(at(seen), &zone, now)) }
                td { (pill(*tone, state)) }
                td.acts {
                    (menu(&key, &format!("Actions for {name}"), &[
                        Item::link("Reset password…", "/users/1/password"),
                        Item::post("Try again", "/users/1/retry"),
                        Item::Line,
                        Item::danger("Disable…", "/users/1/disable"),
                    ]))
                }
            }
        }
    };
    let columns = [
        column("Name").sorted("?sort=-name", Sort::Up),
        column("Job").class("p3").sorted("?sort=job", Sort::Not),
        column("Monthly").class("num p2"),
        column("Last sign-in").class("p3"),
        column("State"),
        acts(),
    ];
    let foot = html! {
        tr { td {} th scope="row" { "Sum" } td.p3 {} td.num.p2 { "€206.00" } td.p3 {} td {} td.acts {} }
    };
    let look = Look { picks: true, foot: Some(foot), ..Look::default() };
    let states = [("All", "/users", Some(24)), ("Failed", "/users?state=failed", Some(1))];
    html! {
        (page_head("Users", Head {
            actions: Some(html! {
                (link("Import", "/users/import").icon("file-import"))
                (link("Export", "/users.csv").icon("download").download())
                (link("New user", "/users/new").icon("user-plus").primary())
            }),
            ..Head::default()
        }))
        (filters("/users", html! {
            (search("Search name, address or job", ""))
            (select("customer", "Customer", &[("", "All customers"), ("7", "Aldermoor Dental")], "7"))
        }))
        (chips("Users by state", &states, "All"))
        (post_form(TOKEN, "/users/bulk", html! {
            (table_with("Users", &columns, rows, look))
            (bulk(html! {
                (button("Assign service").small().named("do", "service"))
                (button("Disable…").small().danger_quiet().to("/users/disable"))
            }))
        }))
        (paging("1–50 of 1,204", Some("/users?before=1"), Some("/users?after=50")))
        (empty("search", "No customer matches “aldermor”", "Close: Aldermoor Dental.", Some(html! {
            (link("Clear search", "/customers"))
        })))
    }
}

fn form() -> Markup {
    let mut input = Input::default();
    for (name, value) in
        [("first", "Ylva"), ("addr", "ylva"), ("invite", "link"), ("tell", "1"), ("s", "2")]
    {
        input.set(name, value);
    }
    let bad = [
        Complaint::new("last", "is required"),
        Complaint::new("addr", "ylva@aldermoor.example already belongs to Ylva Strandqvist."),
        Complaint::new("csvfile", "is too large"),
        Complaint::new("note", "must not contain control characters"),
        Complaint::new("dept", "is not one of the choices"),
        Complaint::new("tell", "must be true or false"),
    ];
    let labels = [
        ("last", "Last name"),
        ("addr", "Sign-in name"),
        ("csvfile", "File"),
        ("note", "Note"),
        ("dept", "Department"),
        ("tell", "Tell the contact"),
    ];
    let third = Opts { width: 3, ..Opts::default() };
    let person = html! {
        (text_field(&input, &bad, "first", "First name", Opts { preview: Some(("/users/preview", "upn")), ..third }))
        (text_field(&input, &bad, "last", "Last name", third))
        (text_field(&input, &bad, "job", "Job title", Opts { optional: true, ..third }))
        (choice_field(&input, &bad, "dept", "Department", &[("1", "Clinic"), ("2", "Front desk")], third))
        (text_field(&input, &bad, "ends", "Last day", Opts { kind: "date", optional: true, hint: "Access ends the next morning.", ..third }))
        (text_field(&input, &bad, "most", "Limit", Opts { kind: "number", unit: "users", width: 2, ..third }))
        (textarea(&input, &bad, "note", "Note", Opts { optional: true, ..Opts::default() }))
        (file_field(&bad, "csvfile", "File", ".csv,.xlsx", Opts { hint: "CSV or Excel, up to 50 MB.", ..Opts::default() }))
    };
    let account = html! {
        (text_field(&input, &bad, "addr", "Sign-in name", Opts { width: 4, ltr: true, unit: "@aldermoor.example", ..third }))
        div.field {
            output.preview id="upn" for="first last addr" {
                dl { dt { "Signs in as" } dd { b { "ylva.h@aldermoor.example" } } }
            }
        }
        div.field.stack {
            (radio(&input, "invite", "link", "Send an invitation", "The link works for 3 days."))
            (radio(&input, "invite", "later", "Invite later", ""))
            (complaint_of(&bad, "invite", "Invitation"))
        }
        (check(&input, &bad, "tell", "Tell the contact", "One mail, no password."))
        div.field.stack {
            (tick(&input, "s", "1", "Managed workplace, Standard", "€18.00"))
            (tick(&input, "s", "2", "Phone number", ""))
        }
    };
    html! {
        (page_head("New user", Head { lede: "At Aldermoor Dental. Nothing is created until you have seen the plan.", ..Head::default() }))
        (complaints_flash(&bad, &labels))
        (post_upload(TOKEN, "/users", html! {
            div.form {
                (fieldset("Person", "Shown to colleagues.", person))
                (fieldset("Account", "", account))
            }
            (form_foot(html! {
                (primary("Show the plan")) (button("Save as draft").named("draft", "1"))
                (cancel("/users")) span.end.muted { "€41.50 a month" }
            }))
        }))
    }
}

fn request() -> Markup {
    let step = |tone, title: &str, end: &str, body| Step {
        tone,
        title: html! { (title) },
        end: end.into(),
        body,
    };
    let list = [
        step(Tone::Ok, "Create account", &duration(2), None),
        step(
            Tone::Bad,
            "Assign licence",
            "3 attempts",
            Some(log("What the other side said", "HTTP 409\n{\"error\": \"no licence <left>\"}")),
        ),
        step(Tone::Busy, "Make mailbox", &duration(128), None),
        step(Tone::Wait, "Wait for approval", "", None),
        step(Tone::Off, "Send mail", "", None),
    ];
    let line = |sign, text: &str, end: Option<Markup>| Change {
        sign,
        text: html! { (text) },
        end,
        note: None,
    };
    let plan = [
        line(Sign::Add, "Managed workplace, Standard", Some(signed(euro(1800)))),
        Change {
            sign: Sign::Change,
            text: html! { "Account: " del { "enabled" } " → " ins { "disabled" } },
            end: None,
            note: Some(html! { "Signs out everywhere." }),
        },
        line(Sign::Remove, "Business Premium", Some(signed(euro(-2060)))),
        line(Sign::Keep, "Mailbox", None),
    ];
    html! {
        (page_head("Offboard Idris Vantongeren", Head {
            state: Some(html! { (tag("Request 2291")) (pill_tint(Tone::Bad, "1 step failed")) }),
            actions: Some(html! {
                (primary("Try again").icon("refresh").posts("/requests/2291/retry"))
                (link("Cancel request…", "/requests/2291/cancel").danger_quiet().opens("cancel"))
            }),
            ..Head::default()
        }))
        (tabs("Request 2291", &[("Steps", "/requests/2291", Some(5)), ("Log", "/requests/2291/log", None)], "Steps"))
        (live("live", "/requests/2291/live", true, html! {
            p.sr role="status" { "7 of 19 users made." }
            (progress("Users made", 7, 19))
        }))
        div.cols.even {
            (card("Steps", None, steps(&list)))
            (card_flush("Changes", Some(html! { (count(4, "change", "changes")) }), diff(&plan)))
        }
        (dialog("cancel", "Cancel request 2291?", html! { p { "Two steps are done and stay done." } }, html! {
            (close("Keep going"))
            (button("Cancel request").danger().posts("/requests/2291/cancel"))
        }))
    }
}

fn parts() -> Markup {
    let found = [Hits {
        caption: "Customers",
        icon: "building",
        hits: vec![Hit {
            href: "/customers/42".into(),
            name: "Aldermoor Dental".into(),
            note: "24 users".into(),
        }],
    }];
    html! {
        (page_head("Aldermoor Dental", Head {
            state: Some(html! { (tag("ALD")) (pill_tint(Tone::Ok, "Active")) }),
            actions: Some(menu_button("more", "More", &[Item::link("Copy", "/x"), Item::danger("Disable…", "/y")])),
            ..Head::default()
        }))
        @for tone in Tone::ALL { (flash(*tone, html! { b { "Saved." } " Prices hold." }, None)) }
        (stats(&[
            ("Monthly", money(euro(101_186)), Some(change(euro(3429)))),
            ("Users", html! { "24" }, Some(html! { "of 30 allowed" })),
            ("Open requests", html! { "2" }, None),
        ]))
        p.row {
            @for tone in Tone::ALL { (pill(*tone, tone.word())) (pill_tint(*tone, tone.word())) }
            (tag("ALD")) (tag_set("Set here"))
        }
        p.row {
            (primary("Save job")) (button("Save")) (button("Disable 24 users").danger())
            (button("Disable…").danger_quiet()) (button("Cancel").ghost()) (button("Off").disabled(true))
            (button("Small").small()) (button("Reset").small().about("Theo Vane to the inherited value"))
        }
        (section("Details", Some(html! { (link("Edit", "/edit").small()) }), datagrid(&[
            ("Phone", html! { "+00 555 0117" }), ("Code", html! { "ALD" }), ("City", html! { "Aldermoor" }),
        ])))
        (section("Search", None, card_flush("Hits", None, hits(&found, "alder"))))
    }
}

fn why() -> Markup {
    html! {
        (page_head("October 2026", Head::default()))
        (drawer("Why is this line here?", "Aldermoor Dental · 2026-0418", "/billing/2026-10", html! {
            p { "22 users for the whole month." }
        }))
    }
}

fn sign_in() -> Markup {
    let (input, bad) =
        (Input::default(), [Complaint::new("", "The e-mail address or the password is wrong.")]);
    html! {
        img.logo src=(asset("logo.svg")) alt="Tarnholm IT" width="33" height="40";
        div.panel.stack {
            h1 { "Sign in" }
            (complaints_flash(&bad, &[]))
            (post_form(TOKEN, "/sign-in", html! {
                div.stack {
                    (text_field(&input, &[], "login", "Work email", Opts { kind: "email", autocomplete: "username", autofocus: true, ..Opts::default() }))
                    (text_field(&input, &[], "password", "Password", Opts { kind: "password", autocomplete: "current-password", ..Opts::default() }))
                    (primary("Sign in").wide())
                }
            }))
        }
    }
}

fn absent() -> Markup {
    html! {
        div.stack {
            p.code { "404" }
            h1 { "There is nothing here" }
            p { "The address may be old, or it belongs to a customer you cannot see." }
            p.row { (link("Search", "/search").primary()) (link("Today", "/today")) }
        }
    }
}
