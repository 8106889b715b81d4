//! What an import may do besides the fields of a form, and what it must not.

use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};

/// World, a reseller, and Aldermoor below it.
fn scene() -> (World, CustomerId, CustomerId) {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    (world, reseller, home)
}

fn send(who: &Person, home: CustomerId, query: &str, bytes: &[u8]) -> Value {
    let url = format!("/customers/{home}/users/import{query}");
    who.api_send(&url, "text/csv", bytes).expect(200).json()
}

fn counts(report: &Value) -> Vec<i64> {
    let all = ["created", "updated", "unchanged", "refused", "skipped"];
    all.iter().map(|name| report[name].as_i64().unwrap()).collect()
}

fn row(report: &Value, line: i64) -> &Value {
    report["rows"].as_array().unwrap().iter().find(|row| row["line"] == line).unwrap()
}

/// Rows of what an import may write.
fn written(world: &World) -> Vec<i64> {
    ["users", "user_names", "departments", "audit_log", "ledger", "messages", "requests"]
        .iter()
        .map(|table| world.count(&format!("SELECT count(*) FROM {table}")))
        .chain([world.count("SELECT sum(version) FROM users")])
        .collect()
}

#[test]
fn the_export_of_every_program_changes_nothing_the_second_time() {
    let mut files: Vec<_> = std::fs::read_dir("tests/fixtures/sheets")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    for path in files {
        let (world, _, home) = scene();
        world
            .sql()
            .execute("UPDATE customers SET name = 'Aldermoor Dental' WHERE id = ?1", [home])
            .unwrap();
        let admin = world.person(PROVIDER, "Provider administrator");
        let bytes = std::fs::read(&path).unwrap();
        let first = send(&admin, home, "", &bytes);
        assert!(first["created"].as_i64().unwrap() > 0, "{}: {first}", path.display());
        let before = written(&world);
        let again = send(&admin, home, "", &bytes);
        let (created, updated) = (&again["created"], &again["updated"]);
        assert_eq!((created, updated), (&json!(0), &json!(0)), "{}: {again}", path.display());
        assert_eq!(written(&world), before, "{}", path.display());
        let hashes =
            "SELECT count(*) FROM users WHERE password_hash IS NOT NULL AND upn LIKE '%aldermoor%'";
        assert_eq!(world.count(hashes), 0, "no password is taken from {}", path.display());
    }
}

#[test]
fn whom_a_file_may_be_about_is_said() {
    let (world, _, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let ann = b"UPN,First Name,Job Title\nann@aldermoor.example,Ann,Nurse\n";
    let none = send(&admin, home, "?mode=existing", ann);
    assert_eq!(counts(&none), [0, 0, 0, 0, 1], "{none}");
    assert_eq!(row(&none, 2)["errors"][0]["message"], "is not a user here");
    assert_eq!(counts(&send(&admin, home, "?mode=new", ann)), [1, 0, 0, 0, 0]);
    let both = b"UPN,First Name,Job Title\nann@aldermoor.example,Ann,Dentist\nbo@aldermoor.example,Bo,Clerk\n";
    let new = send(&admin, home, "?mode=new", both);
    assert_eq!(counts(&new), [1, 0, 0, 0, 1]);
    assert_eq!(row(&new, 2)["errors"][0]["message"], "exists already");
    assert_eq!(counts(&send(&admin, home, "?mode=existing", both)), [0, 1, 1, 0, 0]);
    let url = format!("/customers/{home}/users/import?mode=odd");
    let odd = admin.api_send(&url, "text/csv", both).expect(422);
    assert_eq!(odd.complaints(), ["mode is not one of the choices"]);
}

#[test]
fn account_state_counts_for_those_who_exist_only_when_asked_and_never_for_too_many() {
    let (world, _, home) = scene();
    let ca = world.person(home, "Customer administrator");
    let upn = |who: &Person| world.text(&format!("SELECT upn FROM users WHERE id = {}", who.id));
    let file = |all: &[String]| {
        let rows: String = all.iter().map(|upn| format!("{upn},no\n")).collect();
        format!("UPN,Enabled\n{rows}").into_bytes()
    };
    for n in 0..30 {
        world.user(home, &format!("Ann {n}"), &format!("ann{n}"));
    }
    let anns: Vec<String> = (0..12).map(|n| format!("ann{n}@aldermoor.example")).collect();
    let off = send(&ca, home, "", &file(&anns[..1]));
    assert_eq!(counts(&off), [0, 0, 1, 0, 0]);
    assert_eq!(row(&off, 2)["notices"][0]["message"], "is left as it is here: active");
    let on = send(&ca, home, "?state=true", &file(&anns[..1]));
    assert_eq!(counts(&on), [0, 1, 0, 0, 0], "{on}");
    assert_eq!(row(&on, 2)["changes"]["state"], json!(["active", "disabled"]));
    assert_eq!(world.count("SELECT count(*) FROM users WHERE state = 'disabled'"), 1);
    let back = b"UPN,Enabled\nann0@aldermoor.example,yes\n";
    assert_eq!(counts(&send(&ca, home, "?state=true", back)), [0, 1, 0, 0, 0]);

    let own = send(&ca, home, "?state=true", &file(&[upn(&ca)]));
    assert_eq!(row(&own, 2)["errors"][0]["message"], "You cannot do this to yourself.");
    let ua = world.person(home, "User administrator");
    let peer = send(&ua, home, "?state=true", &file(&[upn(&ca)]));
    let said = row(&peer, 2)["errors"][0]["message"].as_str().unwrap();
    assert!(said.contains("holds rights that you do not have"), "{said}");

    let check = send(&ca, home, "?state=true&dry_run=true", &file(&anns));
    let why = "It would take from 12 users, so it waits";
    assert!(check["held"].as_str().unwrap().starts_with(why), "{check}");
    let url = format!("/customers/{home}/users/import?state=true");
    let held = ca.api_send(&url, "text/csv", &file(&anns)).expect(202).json();
    assert!(held["held"].as_str().unwrap().starts_with(why), "{held}");
    assert_eq!((&held["written"], counts(&held)), (&json!(false), vec![0, 12, 0, 0, 0]));
    let run = held["run_id"].as_i64().unwrap();
    let off = || world.count("SELECT count(*) FROM users WHERE state = 'disabled'");
    world.let_runs_end();
    assert_eq!(off(), 0);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'bulk.held'"), 1);
    let told =
        format!("SELECT count(*) FROM messages WHERE event = 'bulk.held' AND user_id = {}", ca.id);
    assert_eq!(world.count(&told), 1);
    let release = format!("/runs/{run}/release");
    let go = json!({ "confirm": "12", "reason": "The branch in Leiden closes" });
    ca.api_post(&release, go.clone()).expect(403);
    let admin = world.person(PROVIDER, "Provider administrator");
    admin.api_post(&release, go.clone()).expect(202);
    assert_eq!((world.finish(run).as_str(), off()), ("done", 12));
    assert_eq!(counts(&send(&ca, home, "?state=true", &file(&anns))), [0, 0, 12, 0, 0]);

    // The same on the page: it waits as a run, and what is refused has disabled nobody.
    let rest: Vec<String> = (12..24).map(|n| format!("ann{n}@aldermoor.example")).collect();
    let place = format!("/customers/{home}/users/import");
    let up = ca.upload(&place, &[], ("file", "off.csv", &file(&rest)));
    let look = up.location().to_owned();
    ca.post(&format!("{look}/reading"), &[("mode", "upsert"), ("state", "1")]).location();
    assert!(ca.get(&look).expect(200).says("It would take from 12 users"));
    let run = ca.post(&look, &[("what", "all")]).location().to_owned();
    let number: i64 = run.trim_start_matches("/runs/").parse().unwrap();
    assert_eq!((world.finish(number).as_str(), off()), ("held", 12));
    assert!(ca.get(&run).expect(200).says("It would take from many"));
    let hold = admin.get(&format!("/held/of-run/{number}")).location().to_owned();
    let refuse = [("confirm", ""), ("reason", "Not before the audit")];
    admin.post(&format!("{hold}/refuse"), &refuse).location();
    world.let_runs_end();
    assert_eq!((world.finish(number).as_str(), off()), ("cancelled", 12));
}

#[test]
fn roles_and_services_are_given_as_by_hand_and_never_taken() {
    let (world, reseller, home) = scene();
    world
        .sql()
        .execute_batch(&format!(
            "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
             VALUES (100, 'workplace', 'Managed workplace', 'user', 'active', 1, '', '');
             INSERT INTO plans (id, service_id, level, code, name, sku) VALUES
               (200, 100, 'user', 'standard', 'Standard', ''), (201, 100, 'user', 'plus', 'Plus', '');
             INSERT INTO offers (id, reseller_id, service_id, given_at) VALUES (300, {reseller}, 100, '');
             INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES (300, 100, 200), (300, 100, 201);"
        ))
        .unwrap();
    let admin = world.person(PROVIDER, "Provider administrator");
    let plans = json!({ "service": "workplace", "user_plans": ["standard", "plus"] });
    admin.api_post(&format!("/customers/{home}/services"), plans).expect(202);
    let file = |plan: &str, roles: &str| {
        format!(
            "UPN,First Name,Roles,service:workplace\nann@aldermoor.example,Ann,\"{roles}\",{plan}\n"
        )
        .into_bytes()
    };
    let held =
        "SELECT group_concat(plans.code) FROM user_services JOIN plans ON plans.id = plan_id";
    let roles = "SELECT group_concat(roles.name, ', ') FROM role_grants
                   JOIN roles ON roles.id = role_id JOIN users ON users.id = user_id WHERE first_name = 'Ann'";

    // Who may import but neither give services nor make administrators: the row is taken.
    let ua = world.person(home, "User administrator");
    let report =
        send(&ua, home, "", &file("standard", "Customer administrator, User administrator"));
    assert_eq!(counts(&report), [1, 0, 0, 0, 0], "{report}");
    let notices = report["notices"].to_string();
    assert!(
        notices.contains("‘service:workplace’ is not taken: needs user_services.write"),
        "{notices}"
    );
    let said = &row(&report, 2)["errors"][0];
    assert_eq!(
        (&said["column"], &said["value"]),
        (&json!("Roles"), &json!("Customer administrator"))
    );
    assert!(said["message"].as_str().unwrap().contains("rights that you do not have"), "{said}");
    assert_eq!((world.text(roles), world.text(held)), ("User administrator".into(), String::new()));

    let report = send(&admin, home, "", &file("standard", "Billing viewer"));
    assert_eq!(counts(&report), [0, 1, 0, 0, 0], "{report}");
    assert_eq!(row(&report, 2)["changes"]["service:workplace"], json!(["", "standard"]));
    assert_eq!(world.text(held), "standard");
    assert_eq!(world.text(roles), "User administrator, Billing viewer");
    let before = written(&world);
    let again = send(&admin, home, "", &file("standard", "Billing viewer"));
    assert_eq!((counts(&again), written(&world)), (vec![0, 0, 1, 0, 0], before), "{again}");
    let bigger = send(&admin, home, "", &file("plus", ""));
    assert_eq!(
        row(&bigger, 2)["changes"]["service:workplace"],
        json!(["standard", "plus"]),
        "{bigger}"
    );
    let cleared = send(&admin, home, "", &file("<clear>", ""));
    let said = &row(&cleared, 2)["errors"][0];
    assert_eq!(said["message"], "end services on the page", "{cleared}");
    assert_eq!(said["column"], "service:workplace");
    let nameless = b"UPN,First Name,Display Name\nann@aldermoor.example,<clear>,<clear>\n";
    let said = send(&admin, home, "", nameless);
    assert_eq!(row(&said, 2)["errors"][0]["message"], "is required", "{said}");
    let strange = send(&admin, home, "", &file("gold", ""));
    assert_eq!((counts(&strange), world.text(held)), (vec![0, 0, 0, 1, 0], "plus".into()));
}

#[test]
fn rows_name_their_customer_only_within_reach() {
    let (world, reseller, home) = scene();
    let second = world.customer(reseller, "Fernhill");
    let far = world.customer(world.reseller("Ferrow"), "Quarry");
    let ra = world.person(reseller, "Reseller administrator");
    let file = b"Site,UPN,First Name\nAldermoor,ann@aldermoor.example,Ann\nfernhill,bo@fernhill.example,Bo\nQUARRY,cy@quarry.example,Cy\nNowhere,di@nowhere.example,Di\n";
    let alone = send(&ra, home, "", file);
    assert_eq!(counts(&alone), [1, 0, 0, 3, 0], "{alone}");
    assert_eq!(row(&alone, 3)["errors"][0]["message"], "belongs to fernhill");
    let all = send(&ra, home, "?by_site=true", file);
    assert_eq!(counts(&all), [1, 0, 1, 2, 0], "{all}");
    let said = |line| row(&all, line)["errors"][0]["message"].clone();
    assert_eq!(said(4), "is not a customer of yours");
    assert_eq!(said(4), said(5), "that it exists is not told");
    let of = |at: CustomerId| {
        world.count(&format!("SELECT count(*) FROM users WHERE customer_id = {at} AND first_name IN ('Ann', 'Bo', 'Cy')"))
    };
    assert_eq!((of(home), of(second), of(far)), (1, 1, 0));
    let twice = b"UPN,First Name\nann@aldermoor.example,Ann\nANN@ALDERMOOR.EXAMPLE,Ann\n";
    assert_eq!(row(&send(&ra, home, "", twice), 3)["errors"][0]["message"], "same user as line 2");
}

#[test]
fn a_heading_pointed_at_by_hand_is_remembered_for_its_heading_row() {
    let (world, _, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let file = "Anmeldename;Rufname;Telefon;Abteilung\nann@aldermoor.example;Ann;01067;Pflege\n";
    let url = format!("/customers/{home}/users/import");
    let none = admin.api_send(&url, "text/csv", file.as_bytes()).expect(422);
    let said = "has no column for the user's name. Found: Anmeldename, Rufname, Telefon, Abteilung";
    assert!(none.says(said), "{}", none.body);
    let query = "?columns.Anmeldename=upn&columns.Rufname=first_name&columns.Telefon=phone";
    let made = send(&admin, home, query, file.as_bytes());
    assert_eq!(counts(&made), [1, 0, 0, 0, 0], "{made}");
    assert!(made["notices"].to_string().contains("‘Abteilung’ is not used"), "{made}");
    assert_eq!(world.text("SELECT phone FROM users WHERE first_name = 'Ann'"), "01067");
    assert_eq!(counts(&send(&admin, home, "", file.as_bytes())), [0, 0, 1, 0, 0]);
    let other = "Anmeldename;Rufname\nbo@aldermoor.example;Bo\n";
    admin.api_send(&url, "text/csv", other.as_bytes()).expect(422);
    let away = world.customer(PROVIDER, "Elsewhere");
    let there = format!("/customers/{away}/users/import");
    admin.api_send(&there, "text/csv", file.as_bytes()).expect(422);

    // The same on the page, where the file is kept and can be pointed at.
    let up = admin.upload(&url, &[], ("file", "leute.csv", other.as_bytes()));
    let check = up.location().to_owned();
    let page = admin.get(&check).expect(422);
    assert!(
        page.says("It cannot be read yet.") && page.says(">Anmeldename</label>"),
        "{}",
        page.body
    );
    let said =
        [("columns.Anmeldename", "upn"), ("columns.Rufname", "first_name"), ("mode", "upsert")];
    assert_eq!(admin.post(&format!("{check}/reading"), &said).location(), check);
    assert!(admin.get(&check).expect(200).says("1 new, 0 changed"));
    // A property of the customer's own is offered beside the fields that all have.
    let property =
        json!({ "subject": "user", "key": "shoe_size", "label": "Shoe size", "type": "text" });
    admin.api_post(&format!("/customers/{home}/properties"), property).expect(201);
    let page = admin.get(&check).expect(200);
    assert!(page.says("<option value=\"custom:shoe_size\">Shoe size</option>"), "{}", page.body);
    let said = [("columns.Anmeldename", "upn"), ("columns.Rufname", "custom:shoe_size")];
    admin.post(&format!("{check}/reading"), &said).expect(303);
    let page = admin.get(&check).expect(200);
    assert!(
        page.says("<option value=\"custom:shoe_size\" selected>Shoe size</option>"),
        "{}",
        page.body
    );
    let odd = admin.post(&format!("{check}/reading"), &[("columns.Anmeldename", "shoe")]);
    assert!(odd.status == 422 && odd.says("has no field shoe"), "{}", odd.body);
}

#[test]
fn the_page_says_all_that_the_file_may_do() {
    let (world, _, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let url = format!("/customers/{home}/users/import");
    let file = b"UPN,First Name,Department\nann@aldermoor.example,Ann,Ward\nbo@elsewhere.example,Bo,Ward\n";
    let check = admin.upload(&url, &[], ("file", "a.csv", file)).location().to_owned();
    let page = admin.get(&check).expect(200);
    for text in [
        "The department Ward is new and is made",
        "Read as utf-8 with ‘,’",
        "Fix row 3",
        "All rows",
        "Only add new people",
    ] {
        assert!(page.says(text), "{text}");
    }
    assert!(!admin.get(&format!("{check}?result=refused")).says(">Ann<"));
    let fix = admin.get(&format!("{check}/rows/3")).location().to_owned();
    let form = admin.get(&fix).expect(200);
    assert!(form.says("value=\"bo@elsewhere.example\"") && form.says("value=\"Bo\""), "{fix}");
    admin.get(&format!("{check}/rows/9")).expect(404);

    let strict = [("all_or_nothing", "1"), ("welcome", "1"), ("encoding", "windows-1252")];
    admin.post(&format!("{check}/reading"), &strict).location();
    let page = admin.get(&check).expect(200);
    assert!(page.says("windows-1252") && !page.says("Import all good rows"), "{}", page.body);
    let none = admin.post(&check, &[]);
    assert_eq!(none.status, 303, "the run says it again");
    admin.post(&format!("{check}/reading"), &[("separator", ";")]).location();
    admin.get(&check).expect(422);
    admin.post(&format!("{check}/reading"), &[]).location();
    assert!(admin.post(&check, &[("what", "picked")]).says("No row was chosen."));

    let empty = admin.get(&format!("{url}/template")).expect(200);
    assert!(empty.says("Portico ID,Site,UPN") && empty.body.lines().count() == 1);
    let book = admin.api_get(&format!("{url}/template?format=xlsx")).expect(200);
    assert!(book.header("Content-Type").contains("spreadsheetml"));
    assert_eq!(admin.api_get(&format!("{url}/template?format=pdf")).status, 422);
    let far = world.person(world.reseller("Ferrow"), "Reseller administrator");
    for each in [format!("{url}/template"), check.clone(), format!("{check}/rows/3")] {
        assert_eq!(far.get(&each).status, 404, "{each}");
    }
    assert_eq!(far.post(&format!("{check}/reading"), &[]).status, 404);
}

#[test]
fn new_people_are_welcomed_only_when_asked() {
    let (world, _, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let file = b"UPN,First Name,Email\nann@aldermoor.example,Ann,\nbo@aldermoor.example,Bo,\n";
    let asked = send(&admin, home, "?welcome=true&lines=2", file);
    assert_eq!(counts(&asked), [1, 0, 0, 0, 0], "{asked}");
    assert_eq!(world.count("SELECT count(*) FROM messages WHERE event = 'user.invited'"), 1);
    send(&admin, home, "", file);
    send(&admin, home, "?welcome=true", file);
    assert_eq!(world.count("SELECT count(*) FROM messages WHERE event = 'user.invited'"), 1);
}

#[test]
fn a_workbook_that_is_exported_comes_back_unchanged() {
    let (world, _, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let ca = world.person(home, "Customer administrator");
    let odd = json!({
        "first_name": "=HYPERLINK(1)", "last_name": "-1", "display_name": "@x", "phone": "+49 30 1",
        "upn": "odd@aldermoor.example", "employee_id": "0049", "postcode": "01067", "notes": "two\nlines",
    });
    let users = format!("/customers/{home}/users");
    admin.api_post(&users, odd).expect(201);
    let file = admin.raw(&format!("/api/v1{users}/export?format=xlsx"));
    let before = written(&world);
    assert_eq!(&file[..2], b"PK");
    let report = send(&admin, home, "", &file);
    assert_eq!(counts(&report), [0, 0, 2, 0, 0], "{report}");
    assert_eq!((written(&world), &report["notices"]), (before, &json!([])));
    // Roles are exported, and are there already for whoever could not give them.
    let ua = world.person(home, "User administrator");
    let text = ua.api_get(&format!("{users}/export")).expect(200).body;
    assert!(text.contains("Customer administrator"), "{text}");
    let same = send(&ua, home, "", text.as_bytes());
    assert_eq!(same["updated"], 0, "{same}");
    assert!(!same.to_string().contains("needs roles.grant"), "{same} {}", ca.id);
}

#[test]
fn roles_of_a_file_and_of_its_templates_want_the_password_and_mail_nobody_unless_welcomed() {
    let (world, _, home) = scene();
    let ca = world.person(home, "Customer administrator");
    let template = json!({ "label": "Desk", "reach": "self", "roles": ["Billing viewer"] });
    ca.api_post(&format!("/customers/{home}/templates"), template).expect(201);
    let factor = "UPDATE roles SET requires_factor = 1 WHERE name = 'Billing viewer'";
    world.sql().execute_batch(factor).unwrap();
    let file = |local: &str| {
        format!(
            "UPN,First Name,Roles,Template\n{local}@aldermoor.example,Ann,Customer helpdesk,desk\n"
        )
        .into_bytes()
    };
    let prove = |at: &str| {
        world.sql().execute("UPDATE sessions SET proven_at = ?1", [at]).unwrap();
    };
    let url = format!("/customers/{home}/users/import");
    let check = ca.upload(&url, &[], ("file", "users.csv", &file("ann")));
    let check = check.location().to_owned();
    prove("2026-01-01T00:00:00Z");
    let asked = ca.post(&check, &[("what", "all")]);
    assert!(asked.says("Your password, once more"), "{}: {}", asked.status, asked.body);
    assert_eq!(world.count("SELECT count(*) FROM runs"), 0);
    assert_eq!(counts(&send(&ca, home, "", &file("ann"))), [1, 0, 0, 0, 0]);
    let held =
        "SELECT group_concat(roles.name, ', ') FROM role_grants JOIN roles ON roles.id = role_id
                  JOIN users ON users.id = user_id WHERE first_name = 'Ann'";
    assert_eq!(world.text(held), "Customer helpdesk, Billing viewer");
    let renamed = b"UPN,NewUPN,Recovery Email\nann@aldermoor.example,anna@aldermoor.example,ann@home.example\n";
    assert_eq!(counts(&send(&ca, home, "", renamed)), [0, 1, 0, 0, 0]);
    assert_eq!(world.count("SELECT count(*) FROM messages"), 0, "nobody asked for mail");
    assert_eq!(counts(&send(&ca, home, "?welcome=true", &file("bo"))), [1, 0, 0, 0, 0]);
    let told = "SELECT count(*) FROM messages WHERE event = 'role.granted'";
    assert_eq!(world.count(told), 2);
}
