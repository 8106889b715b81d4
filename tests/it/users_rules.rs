//! Rules of users that hold on every way: their names, their manager, what nobody does to oneself, and
//! what goes on while somebody is away.

use crate::world::{Answer, PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use serde_json::{Value, json};
use std::thread;

struct Scene {
    world: World,
    reseller: CustomerId,
    home: CustomerId,
}

/// A customer whose users may have a workplace, in two plans.
fn scene() -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO services (id, code, name, kind, state, tracking_only, on_move, created_at, changed_at)
             VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, 'carry', '', '');
             INSERT INTO plans (id, service_id, level, code, name, sku)
             VALUES (200, 100, 'user', 'standard', 'Standard', ''), (201, 100, 'user', 'plus', 'Plus', '');
             INSERT INTO offers (id, reseller_id, service_id, given_at) VALUES (300, {reseller}, 100, '');
             INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES (300, 100, 200), (300, 100, 201);"
        ))
        .unwrap();
    let scene = Scene { world, reseller, home };
    let plans = json!({ "service": "workplace", "user_plans": ["standard", "plus"] });
    scene.admin().api_post(&format!("/customers/{home}/services"), plans).expect(202);
    scene
}

impl Scene {
    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    fn users(&self) -> String {
        format!("/customers/{}/users", self.home)
    }

    fn add(&self, who: &Person, body: Value) -> i64 {
        who.api_post(&self.users(), body).expect(201).id()
    }

    fn give(&self, who: &Person, user: i64) -> i64 {
        let given = json!({ "service": "workplace", "plan": "standard" });
        who.api_post(&format!("/users/{user}/services"), given).expect(202).id()
    }

    fn import(&self, who: &Person, query: &str, file: &str) -> Value {
        let url = format!("{}/import{query}", self.users());
        who.api_send(&url, "text/csv", file.as_bytes()).expect(200).json()
    }

    /// How the outside and we see what somebody has.
    fn held(&self, user: i64) -> String {
        self.world.text(&format!(
            "SELECT plans.code || ' ' || wanted || ' ' || live FROM user_services JOIN plans ON plans.id = plan_id
              WHERE user_id = {user} ORDER BY user_services.id DESC LIMIT 1"
        ))
    }
}

#[test]
fn no_way_leaves_a_user_without_sign_in_name_or_primary_address() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let id = scene
        .add(&admin, json!({ "first_name": "Theo", "addresses": ["t.vane@aldermoor.example"] }));
    let one = format!("/users/{id}");
    let refused = |answer: Answer, why: &str| {
        assert!(answer.status == 422 && answer.says(why), "{} {}", answer.status, answer.body);
    };
    for url in [one.clone(), format!("{one}/names")] {
        refused(admin.api_patch(&url, json!({ "mail": "" })), "choose another primary first");
        refused(admin.api_patch(&url, json!({ "upn": "" })), "is required");
    }
    refused(admin.post(&format!("{one}/edit"), &[("mail", "")]), "choose another primary first");
    refused(admin.post(&format!("{one}/edit"), &[("upn", "")]), "is required");
    let report = scene.import(&admin, "", &format!("Portico ID,UPN,Email\n{id},<clear>,<clear>\n"));
    assert_eq!(report["updated"], 0, "{report}");
    let domain = world.count(&format!("SELECT id FROM domains WHERE customer_id = {}", scene.home));
    let gone = admin.api_delete(&format!("/customers/{}/domains/{domain}", scene.home));
    assert_eq!(gone.status, 422, "{}", gone.body);
    let away = world.customer(scene.reseller, "Birch");
    let nameless = json!({ "customer_id": away, "upn": "", "mail": "" });
    admin.api_post(&format!("{one}/move"), nameless);
    let whole =
        "SELECT count(*) FROM users WHERE coalesce(upn, '') = '' OR coalesce(mail, '') = ''";
    assert_eq!(world.count(whole), 0);
    // Nor by SQL, with or without names of the right kind.
    let sql = world.sql();
    for statement in [
        format!("UPDATE users SET upn = NULL WHERE id = {id}"),
        format!("UPDATE users SET mail = NULL WHERE id = {id}"),
        format!("UPDATE users SET mail = 'nobody@aldermoor.example' WHERE id = {id}"),
        format!("DELETE FROM user_names WHERE user_id = {id}"),
        format!(
            "INSERT INTO users (customer_id, display_name, created_at, changed_at) VALUES ({}, 'X', '', '')",
            scene.home
        ),
        format!(
            "INSERT INTO users (customer_id, upn, mail, display_name, created_at, changed_at) VALUES ({}, 'x@aldermoor.example', 'x@aldermoor.example', 'X', '', '')",
            scene.home
        ),
    ] {
        assert!(sql.execute(&statement, []).is_err(), "{statement}");
    }
}

#[test]
fn one_name_space_for_all_names_in_any_case_and_owners_out_of_reach_unnamed() {
    let world = World::new();
    let north = world.reseller("North");
    let (alder, birch) = (world.customer(north, "Alder"), world.customer(north, "Birch"));
    let boss = world.person(north, "Reseller administrator");
    // Both use a domain of their reseller.
    let domain = world.count(&format!("SELECT id FROM domains WHERE customer_id = {north}"));
    for customer in [alder, birch] {
        let share = json!({ "customer_id": customer });
        boss.api_post(&format!("/customers/{north}/domains/{domain}/share"), share).expect(200);
    }
    let (a, b) = (
        world.person(alder, "Customer administrator"),
        world.person(birch, "Customer administrator"),
    );
    let body = json!({ "first_name": "Jane", "upn": "Jane@North.Example", "addresses": ["j.doe@north.example"] });
    a.api_post(&format!("/customers/{alder}/users"), body).expect(201);
    let theirs = format!("/customers/{birch}/users");
    for name in ["jane@north.example", "JANE@NORTH.EXAMPLE", "J.DOE@north.example"] {
        for field in ["upn", "mail", "addresses"] {
            let value = if field == "addresses" { json!([name]) } else { json!(name) };
            let body = json!({ "first_name": "Other", (field): value });
            let said = b.api_post(&theirs, body.clone()).expect(422).complaints();
            assert_eq!(said, [format!("{field} is taken")], "{name}");
            let known = a.api_post(&format!("/customers/{alder}/users"), body).expect(422);
            assert!(known.says("Jane"), "{name}: {}", known.body);
        }
    }
    // An address of one and the sign-in name of another at once: one wins, and the other is told.
    for round in 0..4 {
        let name = format!("race{round}@north.example");
        let made: Vec<u16> = thread::scope(|threads| {
            let bodies = [
                (&a, alder, json!({ "first_name": "Race", "upn": name })),
                (&b, birch, json!({ "first_name": "Race", "addresses": [name.to_uppercase()] })),
            ];
            let all: Vec<_> = bodies
                .into_iter()
                .map(|(who, home, body)| {
                    threads.spawn(move || {
                        who.api_post(&format!("/customers/{home}/users"), body).status
                    })
                })
                .collect();
            all.into_iter().map(|each| each.join().unwrap()).collect()
        });
        let mut made = made;
        made.sort_unstable();
        assert_eq!(made, [201, 422]);
    }
    for name in
        ["jäne@north.example", "李@north.example", "jane doe@north.example", "jané@north.example"]
    {
        for field in ["upn", "mail"] {
            let said =
                b.api_post(&theirs, json!({ "first_name": "Other", (field): name })).expect(422);
            assert!(said.says(portico::users::names::RULE), "{name}: {}", said.body);
        }
    }
}

#[test]
fn the_names_that_are_shown_are_those_that_are_saved() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let (long, other) = ("a".repeat(64), "b".repeat(64));
    for (first, last, shown) in [
        ("Madonna", "", ""),
        ("", "O'Brien", ""),
        (long.as_str(), other.as_str(), ""),
        ("小龍", "李", ""),
        ("", "", "李小龍"),
        ("Ada", "Vane", "🦷 Ada"),
        ("", "", "🦷"),
        ("Jane", "Doe", ""),
        ("Jane", "Doe", ""),
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("first_name", first),
                ("last_name", last),
                ("display_name", shown),
                ("upn", ""),
            ])
            .finish();
        let preview = admin.get(&format!("{}/preview?{query}", scene.users())).expect(200);
        let form =
            [("first_name", first), ("last_name", last), ("display_name", shown), ("upn", "")];
        let made = admin.post(&scene.users(), &form);
        let id: i64 = made.location().rsplit('/').next().unwrap().parse().unwrap();
        let saved = admin.api_get(&format!("/users/{id}")).expect(200).json();
        for field in ["upn", "display_name", "username"] {
            let value = saved[field].as_str().unwrap();
            let value = maud::html! { (value) }.into_string();
            assert!(!value.is_empty() && preview.says(&value), "{field} {value}: {}", preview.body);
        }
    }
    let jane = "SELECT group_concat(upn) FROM users WHERE first_name = 'Jane'";
    assert_eq!(world.text(jane), "jane.doe@aldermoor.example,jane.doe2@aldermoor.example");
    // What is typed into the box of addresses counts, and the page says at whose place one is.
    let form = [("first_name", "Bo"), ("addresses", "bo.typed@aldermoor.example")];
    admin.post(&scene.users(), &form).expect(303);
    assert_eq!(
        world.count("SELECT count(*) FROM user_names WHERE name = 'bo.typed@aldermoor.example'"),
        1
    );
    let page = admin.get(&format!("{}/new", scene.users())).expect(200);
    let title = page.body.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    assert!(title.contains("Aldermoor"), "{title}");
}

#[test]
fn what_is_no_field_of_a_user_is_refused_on_every_way() {
    let scene = scene();
    let admin = scene.admin();
    let id = scene.add(&admin, json!({ "first_name": "Theo" }));
    let said = |answer: Answer, field: &str| {
        let all = answer.expect(422).complaints();
        assert!(
            all.iter().any(|each| each.starts_with(&format!("{field} is not a field here"))),
            "{all:?}"
        );
    };
    let body = json!({ "first_name": "A", "properties": "shoe size 42" });
    let said_so = admin.api_post(&scene.users(), body).expect(422).complaints();
    assert_eq!(said_so, ["properties must be an object"]);
    for field in ["state", "customer_id", "epoch", "password", "id", "nmae"] {
        let body = json!({ "first_name": "A", (field): "1" });
        said(admin.api_post(&scene.users(), body.clone()), field);
        said(admin.api_patch(&format!("/users/{id}"), body.clone()), field);
        said(admin.api_post(&format!("/users/{id}/copy"), body.clone()), field);
        for part in ["names", "account", "test-flag"] {
            said(admin.api_patch(&format!("/users/{id}/{part}"), body.clone()), field);
        }
    }
    assert_eq!(
        scene.world.text(&format!("SELECT state || epoch FROM users WHERE id = {id}")),
        "active1"
    );
}

#[test]
fn whatever_becomes_of_the_manager_the_report_is_served() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let there = world.customer(scene.reseller, "Birch");
    for fate in ["disabled", "deleted", "moved"] {
        let boss = scene.add(&admin, json!({ "first_name": "Boss", "last_name": fate }));
        let report = scene.add(
            &admin,
            json!({ "first_name": "Report", "last_name": fate, "manager": boss.to_string() }),
        );
        let notices = || {
            world.count("SELECT count(*) FROM audit_log WHERE json_extract(detail, '$.reports') IS NOT NULL")
        };
        let before = notices();
        match fate {
            "disabled" => {
                admin.api_post(&format!("/users/{boss}/disable"), json!({})).expect(200);
            }
            "deleted" => {
                let gone =
                    admin.api_delete(&format!("/users/{boss}?deprovision=true")).expect(200).json();
                assert_eq!(gone["reports"], json!([report]), "{gone}");
                assert_eq!(notices(), before + 1, "one notice");
            }
            _ => {
                let body = json!({ "customer_id": there });
                let moved = admin.api_post(&format!("/users/{boss}/move"), body);
                assert!((200..300).contains(&moved.status), "{}", moved.body);
            }
        }
        let manager = world.text(&format!(
            "SELECT coalesce(manager_id, 'none') || '' FROM users WHERE id = {report}"
        ));
        let kept = if fate == "disabled" { boss.to_string() } else { "none".to_owned() };
        assert_eq!(manager, kept, "{fate}");
        let held = scene.give(&admin, report);
        assert_eq!(scene.held(report), "standard on on", "{fate}");
        let change = json!({ "plan": "plus" });
        admin.api_patch(&format!("/users/{report}/services/{held}"), change).expect(202);
        assert_eq!(scene.held(report), "plus on on", "{fate}");
        assert_eq!(
            world.count("SELECT count(*) FROM requests WHERE status <> 'done'"),
            0,
            "{fate}"
        );
    }
    // A file in which two lead each other, and one leads nobody knows whom: both get in, with a notice each.
    let file = "UPN,First Name,Manager\nann@aldermoor.example,Ann,bo@aldermoor.example\n\
                bo@aldermoor.example,Bo,ann@aldermoor.example\ncy@aldermoor.example,Cy,gone@elsewhere.example\n";
    let report = scene.import(&admin, "", file);
    assert_eq!((&report["created"], &report["refused"]), (&json!(3), &json!(0)), "{report}");
    let notices: usize = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["notices"].as_array().unwrap().len())
        .sum();
    assert!((1..=2).contains(&notices), "{report}");
    let circle =
        "SELECT count(*) FROM users a JOIN users b ON b.id = a.manager_id AND b.manager_id = a.id";
    assert_eq!(world.count(circle), 0, "nobody leads whom they report to");
    for first in ["Ann", "Bo", "Cy"] {
        let id = world.count(&format!("SELECT id FROM users WHERE first_name = '{first}'"));
        scene.give(&admin, id);
        assert_eq!(scene.held(id), "standard on on", "{first}");
    }
}

#[test]
fn services_of_somebody_who_is_away_are_changed_and_ended_and_run_again_by_themselves() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let theo = scene.add(&admin, json!({ "first_name": "Theo" }));
    let held = scene.give(&admin, theo);
    admin.api_post(&format!("/users/{theo}/disable"), json!({})).expect(200);
    assert_eq!(scene.held(theo), "standard suspended suspended");
    let one = format!("/users/{theo}/services/{held}");
    admin.api_patch(&one, json!({ "plan": "plus" })).expect(202);
    assert_eq!(scene.held(theo), "plus suspended suspended", "changed, and still off");
    admin.api_post(&format!("/users/{theo}/enable"), json!({})).expect(200);
    assert_eq!(scene.held(theo), "plus on on", "with no further click");
    admin.api_post(&format!("/users/{theo}/disable"), json!({})).expect(200);
    admin.api_delete(&one).expect(202);
    assert!(scene.held(theo).ends_with("gone"), "{}", scene.held(theo));
    admin.api_post(&format!("/users/{theo}/enable"), json!({})).expect(200);
    assert!(scene.held(theo).ends_with("gone"), "what was ended stays so");
    assert_eq!(world.count("SELECT count(*) FROM requests WHERE status <> 'done'"), 0);
}

#[test]
fn nobody_does_it_to_oneself_on_any_way() {
    let scene = scene();
    let world = &scene.world;
    let ca = world.person(scene.home, "Customer administrator");
    let ra = world.person(scene.reseller, "Reseller administrator");
    world.person(scene.home, "Customer administrator");
    world.person(scene.reseller, "Reseller administrator");
    let other = world.customer(scene.reseller, "Birch");
    let oneself = "You cannot do this to yourself.";
    for (who, home) in [(&ca, scene.home), (&ra, scene.reseller)] {
        let one = format!("/users/{}", who.id);
        let refused = |what: &str, answer: Answer| {
            let said = [200, 202, 422].contains(&answer.status) && answer.says(oneself);
            assert!(said, "{what}: {} {}", answer.status, answer.body);
            assert_eq!(
                world.text(&format!("SELECT state FROM users WHERE id = {}", who.id)),
                "active",
                "{what}"
            );
        };
        for verb in ["disable", "deprovision"] {
            refused(verb, who.api_post(&format!("{one}/{verb}"), json!({})));
            refused(verb, who.post(&format!("{one}/{verb}"), &[]));
        }
        let gone = json!({ "disable": true, "deprovision_after": 0 });
        refused("offboard", who.api_post(&format!("{one}/offboard"), gone));
        refused("delete", who.api_delete(&format!("{one}?deprovision=true")));
        refused("delete", who.post(&format!("{one}/delete"), &[("deprovision", "1")]));
        refused("roles", who.api_post(&format!("{one}/roles"), json!({ "role": "Approver" })));
        refused(
            "factor",
            who.api_post(&format!("{one}/reset-factor"), json!({ "reason": "lost it" })),
        );
        let survivor = world.user(home, "Survivor", &format!("survivor{}", who.id));
        let merge = json!({ "user": who.id.to_string() });
        refused("merge", who.api_post(&format!("/users/{survivor}/merge"), merge));
        let upn = world.text(&format!("SELECT upn FROM users WHERE id = {}", who.id));
        let file = format!("UPN,Enabled\n{upn},no\n");
        let url = format!("/customers/{home}/users/import?state=true");
        refused("a file", who.api_send(&url, "text/csv", file.as_bytes()));
        for (action, input) in [("disable", json!({})), ("add_role", json!({ "role": "Approver" }))]
        {
            let order = json!({ "action": action, "ids": [who.id], "input": input });
            let started =
                who.api_post(&format!("/customers/{home}/users/bulk"), order).expect(202).json();
            let run = started["run_id"].as_i64().unwrap();
            assert_eq!(world.finish(run), "done");
            refused(action, who.api_get(&format!("/runs/{run}/lines")));
        }
    }
    let moved = ra.api_post(&format!("/users/{}/move", ra.id), json!({ "customer_id": other }));
    assert!(moved.expect(422).says(oneself));
}

#[test]
fn files_of_other_programs_bring_managers_addresses_and_states_and_no_password() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let directory = "DistinguishedName,UserPrincipalName,GivenName,Surname,Manager\n\
        \"CN=Ann Vane,OU=Staff,DC=x\",ann@aldermoor.example,Ann,Vane,\"CN=Bo Boss,OU=Staff,DC=x\"\n\
        \"CN=Bo Boss,OU=Staff,DC=x\",bo@aldermoor.example,Bo,Boss,\"CN=Nobody,OU=Staff,DC=x\"\n";
    let report = scene.import(&admin, "", directory);
    assert_eq!((&report["created"], &report["refused"]), (&json!(2), &json!(0)), "{report}");
    let boss = "SELECT coalesce(boss.first_name, '') FROM users LEFT JOIN users boss ON boss.id = users.manager_id WHERE users.first_name = ";
    assert_eq!(
        world.text(&format!("{boss}'Ann'")),
        "Bo",
        "a later line, by its name in the directory"
    );
    assert_eq!(world.text(&format!("{boss}'Bo'")), "");
    let notices = report["rows"][1]["notices"].to_string();
    assert!(notices.contains("was not found and is left empty"), "{report}");

    let google = std::fs::read("tests/fixtures/sheets/google-template.csv").unwrap();
    let passwords = ["Sommer-2026!", "Winter-2026!"];
    assert!(passwords.iter().all(|each| contains(&google, each)));
    let url = format!("{}/import", scene.users());
    let report = admin.api_send(&url, "text/csv", &google).expect(200);
    assert!(
        report.says("Passwords in the file were not used; people set their own by link."),
        "{}",
        report.body
    );
    assert!(report.json()["created"].as_i64().unwrap() >= 2, "{}", report.body);
    // Nor by the page, which keeps the file until somebody has looked at the check.
    let check = admin.upload(&url, &[], ("file", "google.csv", &google)).location().to_owned();
    assert!(admin.get(&check).expect(200).says("Passwords in the file were not used"));
    assert_eq!(world.count("SELECT count(*) FROM users WHERE password_hash IS NOT NULL"), 0);
    assert_eq!(world.count("SELECT count(*) FROM uploads"), 1);
    world.sql().execute_batch("PRAGMA wal_checkpoint(FULL)").unwrap();
    for file in std::fs::read_dir(world.folder()).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        assert!(!passwords.iter().any(|each| contains(&bytes, each)), "{}", path.display());
    }

    let other = world.customer(scene.reseller, "Fresh");
    let active = std::fs::read_to_string("tests/fixtures/sheets/m365-active-users.csv").unwrap();
    let active = active.replace("aldermoor.example", "fresh.example");
    let report = admin
        .api_send(&format!("/customers/{other}/users/import"), "text/csv", active.as_bytes())
        .expect(200)
        .json();
    let result = |name: &str| {
        let rows = report["rows"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["name"] == name || row["upn"].as_str().unwrap().starts_with(name));
        row.unwrap_or_else(|| panic!("no {name}: {report}"))["result"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (result("Nell Guestwick"), result("Olav Gone")),
        ("skipped".into(), "skipped".into()),
        "a guest, one in the bin"
    );
    let state = |first: &str| {
        world.text(&format!(
            "SELECT state FROM users WHERE customer_id = {other} AND first_name = '{first}'"
        ))
    };
    assert_eq!(
        (state("Theo").as_str(), state("Maren").as_str()),
        ("disabled", "active"),
        "who is blocked there"
    );
    let maren = format!(
        "SELECT mail || ' ' || upn FROM users WHERE customer_id = {other} AND first_name = 'Maren'"
    );
    assert_eq!(
        world.text(&maren),
        "maren@fresh.example maren.tolliver@fresh.example",
        "SMTP: is the primary"
    );
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The columns of `users` that the form of a user writes, by the INSERT of a new one and by the UPDATE
/// of a known one alike: a field that one of them forgets is lost.
#[test]
fn every_column_of_a_user_is_written_by_both_statements() {
    let text = std::fs::read_to_string("src/users/store.rs").unwrap();
    let part = |begin: &str, end: &str| -> String {
        let from = text.find(begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
        text[from..].split(end).next().unwrap().to_owned()
    };
    let inserted: Vec<String> =
        part("INSERT INTO users (", ")").split(',').map(|each| each.trim().to_owned()).collect();
    let names = part("UPDATE users SET upn", " WHERE");
    let updated: Vec<String> =
        format!("upn{names}, {}", part("UPDATE users\n            SET ", "WHERE id = :id"))
            .split(',')
            .filter_map(|each| Some(each.split_once('=')?.0.trim().to_owned()))
            .collect();
    // Written elsewhere, each by what it belongs to.
    let elsewhere = [
        "id",
        "customer_id",
        "state",
        "recovery_proven",
        "password_hash",
        "password_set_at",
        "factor_from",
        "locked_until",
        "epoch",
        "last_sign_in_at",
        "deleted_at",
        "version",
        "created_at",
        "created_by",
        "changed_at",
    ];
    let world = World::new();
    let columns = world.texts("SELECT name FROM pragma_table_info('users')");
    for column in columns.iter().filter(|column| !elsewhere.contains(&column.as_str())) {
        assert!(inserted.contains(column), "a new user gets no {column}");
        assert!(updated.contains(column), "no edit writes {column}");
    }
    // And each value comes back as it was given, from the one and from the other.
    let scene = scene();
    let admin = scene.admin();
    let boss = scene.add(&admin, json!({ "first_name": "Boss" }));
    let value = |name: &str, n: usize| -> Value {
        match name {
            "upn" | "mail" => json!(format!("{name}{n}@aldermoor.example")),
            "addresses" => json!([format!("more{n}@aldermoor.example")]),
            "external_emails" => json!([format!("out{n}@post.example")]),
            "recovery_email" => json!(format!("back{n}@post.example")),
            "external_ids" => json!([format!("hr:{n}")]),
            "phone" | "mobile" | "home_phone" | "fax" | "pager" | "ip_phone" => {
                json!(format!("+31 20 {n}"))
            }
            "country" | "usage_location" => json!(["NL", "DE"][n % 2]),
            "language" => json!("en"),
            "time_zone" => json!(["Europe/Berlin", "Asia/Tokyo"][n % 2]),
            "web_page" => json!(format!("https://theo.example/{n}")),
            "expires_on" => json!(["2030-01-01", "2031-01-01"][n % 2]),
            "sign_in" => json!(["api_only", "nothing"][n % 2]),
            "manager" => json!(boss.to_string()),
            "main_contact" | "test_user" | "must_change" => json!(n.is_multiple_of(2)),
            _ => json!(
                format!("{name} {n}")
                    .chars()
                    .take(20)
                    .collect::<String>()
                    .replace(' ', if name == "username" { "-" } else { " " })
            ),
        }
    };
    // Said along with a change, or of some users alone.
    let but =
        ["keep_address", "never_expires", "break_glass", "properties", portico::auth::WITHOUT];
    let fields: Vec<&str> = portico::users::fields::EDIT
        .iter()
        .map(|field| field.name)
        .filter(|name| !but.contains(name))
        .collect();
    let body = |n: usize| -> Value {
        fields.iter().map(|name| ((*name).to_owned(), value(name, n))).collect()
    };
    let id = admin.api_post(&scene.users(), body(0)).expect(201).id();
    for n in [0, 1] {
        if n == 1 {
            let mut change = body(1);
            change["keep_address"] = json!(false);
            admin.api_patch(&format!("/users/{id}"), change).expect(200);
        }
        let form = admin.get(&format!("/users/{id}/edit")).expect(200);
        let now = admin.api_get(&format!("/users/{id}")).expect(200).json();
        for name in &fields {
            assert!(form.says(&format!("name=\"{name}\"")), "{name} is on no form");
            let given = value(name, n);
            let kept = match *name {
                "manager" => json!(now["manager_id"].to_string()),
                "external_ids" => json!([format!(
                    "hr:{}",
                    now["external_ids"]["hr"].as_str().unwrap_or_default()
                )]),
                name => now[name].clone(),
            };
            assert_eq!(kept, given, "{name} after {n}");
        }
    }
    let _ = UserId(id);
}
