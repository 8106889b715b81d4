//! Users out of the files that other systems write.

use crate::world::{PROVIDER, World};
use portico::ids::CustomerId;
use serde_json::Value;

const MICROSOFT: &[u8] = include_bytes!("../fixtures/import/m365-users-sample.csv");
const DIRECTORY: &[u8] = include_bytes!("../fixtures/import/get-aduser-export.csv");

/// World, and Aldermoor in it.
fn scene() -> (World, CustomerId) {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    (world, home)
}

fn send(world: &World, home: CustomerId, query: &str, bytes: &[u8]) -> Value {
    let admin = world.person(PROVIDER, "Provider administrator");
    let answer =
        admin.api_send(&format!("/customers/{home}/users/import{query}"), "text/csv", bytes);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn counts(report: &Value) -> Vec<i64> {
    let all = ["created", "updated", "unchanged", "refused", "skipped"];
    all.iter().map(|name| report[name].as_i64().unwrap()).collect()
}

fn row(report: &Value, line: i64) -> &Value {
    report["rows"].as_array().unwrap().iter().find(|row| row["line"] == line).unwrap()
}

/// Rows of what an import may write.
fn written(world: &World) -> i64 {
    world.count(
        "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM user_names) + (SELECT count(*) FROM departments)
              + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM ledger) + (SELECT count(*) FROM messages)
              + (SELECT count(*) FROM requests) + (SELECT coalesce(sum(version), 0) FROM users)
              - 4 * (SELECT count(*) FROM users WHERE display_name = 'The Provider administrator')",
    )
}

#[test]
fn the_good_rows_go_in_and_the_odd_ones_say_why_not() {
    let (world, home) = scene();
    let report = send(&world, home, "", MICROSOFT);
    assert_eq!(counts(&report), [25, 0, 0, 3, 0], "{report}");
    assert_eq!(report["encoding"], "utf-8");
    let error = |line: i64| row(&report, line)["errors"][0].clone();
    for (line, value) in [(26, "no-at-sign"), (27, "someone@elsewhere.example")] {
        let said = error(line);
        assert_eq!(said["message"], "must end in one of aldermoor.example");
        assert_eq!((&said["column"], &said["value"]), (&"User Name".into(), &value.into()));
    }
    assert!(error(28)["message"].as_str().unwrap().contains("same user as line 2"), "{report}");
    let formula = row(&report, 29);
    assert_eq!(formula["notices"][0]["message"], "looks like a formula and is taken as text");
    let maren = "SELECT job_title || ', ' || city || ', ' || country || ', ' || recovery_email FROM users WHERE upn = 'maren.tolliver@aldermoor.example'";
    assert_eq!(world.text(maren), "Practice manager, Amsterdam, NL, maren@personal.example");
    assert_eq!(world.count("SELECT count(*) FROM departments"), 3);
    assert_eq!(world.count("SELECT count(*) FROM messages"), 0, "no mail unless asked");
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'users.imported'"), 1);
    let before = written(&world);
    let again = send(&world, home, "", MICROSOFT);
    assert_eq!(counts(&again), [0, 0, 25, 3, 0], "{again}");
    assert_eq!(written(&world), before, "nothing is written twice");
}

#[test]
fn a_directory_export_keeps_who_is_disabled_and_skips_what_is_no_person() {
    let (world, home) = scene();
    let report = send(&world, home, "", DIRECTORY);
    assert_eq!(counts(&report), [6, 0, 0, 0, 1], "{report}");
    assert_eq!(
        world.text("SELECT display_name FROM users WHERE state = 'disabled'"),
        "Sjoerd Ten Broeke"
    );
    assert_eq!(world.count("SELECT count(*) FROM users WHERE display_name = 'Léa Dubois, jr.'"), 1);
    assert_eq!(world.count("SELECT count(*) FROM user_external_ids WHERE source = 'directory'"), 6);
    let before = written(&world);
    let again = send(&world, home, "", DIRECTORY);
    assert_eq!(counts(&again), [0, 0, 6, 0, 1], "{again}");
    assert_eq!(written(&world), before);
}

#[test]
fn a_check_keeps_nothing_and_lines_are_chosen() {
    let (world, home) = scene();
    let before = world.count("SELECT count(*) FROM users");
    let checked = send(&world, home, "?dry_run=true", MICROSOFT);
    assert_eq!((counts(&checked), &checked["written"]), (vec![25, 0, 0, 3, 0], &false.into()));
    let few = send(&world, home, "?lines=2,4-5,27", MICROSOFT);
    assert_eq!(counts(&few), [3, 0, 0, 1, 0]);
    let strict = send(&world, home, "?all_or_nothing=true", MICROSOFT);
    assert_eq!(strict["written"], false);
    let admins = 3;
    assert_eq!(world.count("SELECT count(*) FROM users"), before + 3 + admins);
    // Nothing at all is written by a check: another look at the store sees no change of it.
    let admin = world.person(PROVIDER, "Provider administrator");
    let ask = format!("/customers/{home}/users/import?dry_run=true");
    let check = || admin.api_send(&ask, "text/csv", MICROSOFT).expect(200);
    check();
    let onlooker = world.sql();
    let version =
        || onlooker.pragma_query_value(None, "data_version", |r| r.get::<_, i64>(0)).unwrap();
    let then = version();
    check();
    assert_eq!(version(), then);
}

#[test]
fn managers_may_stand_later_in_the_file_and_changes_are_told() {
    let (world, home) = scene();
    let file = b"UPN,First Name,Manager,Job Title\nann@aldermoor.example,Ann,bo@aldermoor.example,Nurse\nbo@aldermoor.example,Bo,nobody@aldermoor.example,\n";
    let report = send(&world, home, "", file);
    assert_eq!(counts(&report), [2, 0, 0, 0, 0], "{report}");
    assert_eq!(row(&report, 3)["notices"][0]["message"], "was not found and is left empty");
    let boss = "SELECT boss.first_name FROM users JOIN users boss ON boss.id = users.manager_id WHERE users.first_name = 'Ann'";
    assert_eq!(world.text(boss), "Bo");
    let again = send(&world, home, "", file);
    assert_eq!(counts(&again), [0, 0, 2, 0, 0], "{again}");
    let other = b"UPN,Job Title\nANN@aldermoor.example,Dentist\nbo@aldermoor.example,<clear>\n";
    let changed = send(&world, home, "?dry_run=1", other);
    assert_eq!(row(&changed, 2)["changes"]["job_title"], serde_json::json!(["Nurse", "Dentist"]));
    assert_eq!(counts(&changed), [0, 1, 1, 0, 0]);
}

#[test]
fn the_limit_is_known_in_the_check() {
    let (world, home) = scene();
    world.sql().execute("UPDATE customers SET user_limit = 10 WHERE id = ?1", [home]).unwrap();
    for query in ["?dry_run=true", ""] {
        let report = send(&world, home, query, MICROSOFT);
        assert_eq!(counts(&report), [10, 0, 0, 18, 0], "{query}");
    }
    let late = send(&world, home, "", MICROSOFT);
    assert_eq!(row(&late, 13)["errors"][0]["message"], "Aldermoor may have 10 users; 10 exist.");
    // Forty of fifty, and twenty come: the first ten go in, and the check names the ten that do not.
    let more = world.customer(PROVIDER, "Ferrow");
    world.sql().execute("UPDATE customers SET user_limit = 50 WHERE id = ?1", [more]).unwrap();
    world.users(more, "ann", 40);
    let rows: String = (0..20).map(|n| format!("bo{n}@ferrow.example,Bo {n}\n")).collect();
    let file = format!("UPN,First Name\n{rows}");
    for query in ["?dry_run=true", ""] {
        let report = send(&world, more, query, file.as_bytes());
        assert_eq!(counts(&report), [10, 0, 0, 10, 0], "{query}");
        for line in 2..22 {
            let errors = row(&report, line)["errors"].as_array().unwrap().len();
            assert_eq!(errors, usize::from(line > 11), "{query} line {line}");
        }
        let said = &row(&report, 12)["errors"][0]["message"];
        assert_eq!(*said, "Ferrow may have 50 users; 50 exist.");
    }
    let names =
        format!("SELECT count(*) FROM users WHERE customer_id = {more} AND first_name LIKE 'Bo %'");
    assert_eq!(world.count(&names), 10);
}

#[test]
fn a_file_that_is_none_is_one_clear_sentence_and_strangers_find_nothing() {
    let (world, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let url = format!("/customers/{home}/users/import");
    let png = admin.api_send(&url, "text/csv", &[0x89, b'P', b'N', b'G', 1, 2]);
    assert_eq!((png.status, png.body.contains("is not CSV or XLSX")), (422, true), "{}", png.body);
    let other = world.reseller("Ferrow");
    let ra = world.person(other, "Reseller administrator");
    assert_eq!(ra.api_send(&url, "text/csv", MICROSOFT).status, 404);
    assert_eq!(
        (ra.get(&url).status, ra.upload(&url, &[], ("file", "a.csv", MICROSOFT)).status),
        (404, 404)
    );
}

#[test]
fn the_page_checks_first_and_then_runs() {
    let (world, home) = scene();
    let admin = world.person(PROVIDER, "Provider administrator");
    let url = format!("/customers/{home}/users/import");
    assert!(admin.get(&url).body.contains("Into Aldermoor."));
    assert_eq!(admin.upload(&url, &[], ("file", "a.png", b"\x89PNG")).status, 422);
    let up = admin.upload(&url, &[], ("file", "staff.csv", MICROSOFT));
    assert_eq!(up.status, 303, "{}", up.body);
    let check = up.header("Location").to_owned();
    let page = admin.get(&check);
    assert_eq!(page.status, 200);
    for text in
        ["25 new", "3 refused", "must end in one of aldermoor.example", "Import all good rows"]
    {
        assert!(page.body.contains(text), "{text}");
    }
    let refused = admin.get(&format!("{check}/refused"));
    assert!(
        refused.body.contains("Reason") && refused.body.contains("no-at-sign"),
        "{}",
        refused.body
    );
    let other = world.person(PROVIDER, "Provider administrator");
    assert_eq!(other.get(&check).status, 404, "a file is its uploader's");
    let run = admin.post(&check, &[("what", "picked"), ("id", "2"), ("id", "3")]);
    assert_eq!(run.status, 303, "{}", run.body);
    assert!(run.header("Location").starts_with("/runs/"));
    assert_eq!(world.text("SELECT kind || ' ' || state FROM runs"), "users.import queued");
}

#[test]
fn what_is_exported_comes_back_unchanged() {
    let (world, home) = scene();
    send(&world, home, "", MICROSOFT);
    let admin = world.person(PROVIDER, "Provider administrator");
    let users = format!("/customers/{home}/users");
    let maren = world.count("SELECT id FROM users WHERE upn = 'maren.tolliver@aldermoor.example'");
    let odd = serde_json::json!({
        "first_name": "=1+1", "last_name": "O\"Neil, Jr", "display_name": "@Odd", "phone": "+49 30 1",
        "notes": "two\nlines", "manager": maren.to_string(), "addresses": ["odd.one@aldermoor.example"],
        "external_emails": ["odd@home.example", "odd@away.example"], "department": "Sales; North",
        "test_user": true, "expires_on": "2031-05-01", "upn": "odd@aldermoor.example",
    });
    let id = admin.api_post(&users, odd).expect(201).id();
    admin.api_post(&format!("/users/{id}/disable"), Value::Null).expect(200);
    let file = admin.api_get(&format!("{users}/export")).expect(200);
    assert!(file.says("'=1+1,") && file.says("'@Odd,") && file.says("'+49 30 1,"), "{}", file.body);
    assert!(file.says("maren.tolliver@aldermoor.example,no,2031-05-01"), "{}", file.body);
    let before = written(&world);
    let report = send(&world, home, "", file.body.as_bytes());
    assert_eq!(counts(&report), [0, 0, 26, 0, 0], "{report}");
    assert_eq!((written(&world), &report["notices"]), (before, &serde_json::json!([])));

    let few = admin.get(&format!("{users}/export?q=%40odd")).expect(200);
    assert_eq!(few.body.matches("@aldermoor.example").count(), 4, "{}", few.body);
    assert!(admin.get(&format!("{users}?q=%40odd")).says("/users/export?q="));
    let away = world.customer(PROVIDER, "Elsewhere");
    let other = world.person(away, "Customer administrator");
    other.api_get(&format!("{users}/export")).expect(404);
}
