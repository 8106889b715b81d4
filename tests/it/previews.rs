//! What would happen, said before it does: by `?preview=true` and by the page between a form and its act.

use crate::world::{Branch as Scene, PROVIDER};
use serde_json::{Value, json};

const LOOK: (&str, &str) = ("look", "1");

fn scene() -> Scene {
    Scene::with_workplace()
}

impl Scene {
    fn text(&self, user: i64, column: &str) -> String {
        self.world.text(&format!("SELECT {column} FROM users WHERE id = {user}"))
    }
}

/// The value that a field would have.
fn then<'v>(plan: &'v Value, field: &str) -> &'v str {
    let all = plan["diffs"].as_array().unwrap();
    let found = all.iter().find(|diff| diff["field"] == field);
    found.map_or("", |diff| diff["after"].as_str().unwrap())
}

/// What a page carries in hidden fields.
fn carried(page: &str) -> Vec<(String, String)> {
    let pair =
        regex::Regex::new(r#"<input type="hidden" name="([^"]+)" value="([^"]*)">"#).unwrap();
    let all = pair.captures_iter(page).map(|found| (found[1].to_owned(), found[2].to_owned()));
    all.filter(|(name, _)| name != "csrf").collect()
}

fn fields(all: &[(String, String)]) -> Vec<(&str, &str)> {
    all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_new_user_is_shown_with_names_work_and_money_before_it_is_made() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let ask = format!("{}?preview=true", scene.users());
    let body = json!({
        "first_name": "Theo", "last_name": "Vane", "services": ["workplace/standard"],
        "roles": ["Customer helpdesk"], "job_title": "Cook", "sign_in": "everything",
    });
    let before = world.everything_but_previews();
    let plan = admin.api_post(&ask, body.clone()).expect(200).json();
    assert_eq!(world.everything_but_previews(), before, "nothing is written");
    assert_eq!(plan["refusals"], json!([]));
    for (field, value) in [
        ("upn", "theo.vane@aldermoor.example"),
        ("mail", "theo.vane@aldermoor.example"),
        ("display_name", "Theo Vane"),
        ("job_title", "Cook"),
        ("roles", "Customer helpdesk"),
    ] {
        assert_eq!(then(&plan, field), value, "{plan}");
    }
    assert_eq!(plan["steps"][0]["title"], "Give Managed workplace to Theo Vane");
    let ledger = plan["ledger"].to_string();
    assert!(ledger.contains("\"kind\":\"user\"") && ledger.contains("user_service"), "{ledger}");
    // Who may not see prices sees none; that is no reason to show nothing else.
    let desk = world.person(PROVIDER, "Provider helpdesk");
    let less = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
    assert_eq!(desk.api_post(&ask, less).expect(200).json()["monthly"], Value::Null);
    // All that stands against it is said at once, and is no refusal of the question.
    let wrong = json!({ "first_name": "Theo", "upn": "theo@elsewhere.example", "country": "XX" });
    let plan = admin.api_post(&ask, wrong).expect(200).json();
    assert_eq!(plan["refusals"].as_array().unwrap().len(), 2, "{plan}");
    admin.api_post(&format!("{}?preview=maybe", scene.users()), body.clone()).expect(422);
    // What is done then is what was shown.
    let made = admin.api_post(&scene.users(), body).expect(201).json();
    assert_eq!(made["upn"], "theo.vane@aldermoor.example");
    let copy = format!("/users/{}/copy?preview=true", made["id"]);
    let before = world.everything_but_previews();
    let plan = admin.api_post(&copy, json!({ "first_name": "Ylva" })).expect(200).json();
    assert_eq!(world.everything_but_previews(), before);
    assert_eq!(then(&plan, "upn"), "ylva@aldermoor.example");
    assert_eq!(plan["steps"][0]["title"], "Give Managed workplace to Ylva");
}

#[test]
fn the_page_of_a_new_user_shows_the_plan_and_goes_on_or_back_with_what_was_typed() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let at = scene.users();
    assert!(admin.get(&format!("{at}/new")).says("Show the plan"));
    let typed =
        [LOOK, ("first_name", "Theo & Co"), ("services", "workplace/standard"), ("welcome", "0")];
    let before = world.everything_but_previews();
    let page = admin.post(&at, &typed).expect(200);
    assert_eq!(world.everything_but_previews(), before);
    assert!(page.says("Add Theo &amp; Co?") && page.says("Nothing is done yet."), "{}", page.body);
    assert!(page.says("Give Managed workplace to Theo &amp; Co"), "{}", page.body);
    let mut carried = carried(&page.body);
    carried.iter_mut().for_each(|(_, value)| *value = value.replace("&amp;", "&"));
    assert!(!carried.iter().any(|(name, _)| name == "look"), "{carried:?}");
    let mut back = fields(&carried);
    back.push(("back", "1"));
    let form = admin.post(&at, &back).expect(200);
    assert!(form.says("value=\"Theo &amp; Co\"") && form.says("Show the plan"));
    assert_eq!(world.everything_but_previews(), before);
    let done = admin.post(&at, &fields(&carried));
    assert_eq!(done.status, 303);
    let id: i64 = done.location().rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(scene.text(id, "display_name"), "Theo & Co");
    // What is refused is refused before there is anything to look at.
    let refused = admin.post(&at, &[LOOK, ("upn", "theo@elsewhere.example")]).expect(422);
    assert!(refused.says("must end in one of"), "{}", refused.body);
    let like = format!("/users/{id}/copy");
    let page = admin.post(&like, &[LOOK, ("first_name", "Ylva")]).expect(200);
    assert!(page.says("Add Ylva?") && page.says(&format!("action=\"{like}\"")), "{}", page.body);
}

#[test]
fn a_change_that_only_portico_notes_is_saved_and_another_one_is_shown_first() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let made = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
    let theo = admin.api_post(&scene.users(), made).expect(201).id();
    let (url, at) = (format!("/users/{theo}"), format!("/users/{theo}/edit"));
    let before = world.everything_but_previews();
    let new = json!({ "upn": "theodore@aldermoor.example", "phone": "+31 20 123" });
    let plan = admin.api_patch(&format!("{url}?preview=true"), new).expect(200).json();
    assert_eq!(world.everything_but_previews(), before);
    let diff = json!({ "field": "phone", "before": "", "after": "+31 20 123" });
    assert!(plan["diffs"].as_array().unwrap().contains(&diff), "{plan}");
    assert_eq!(then(&plan, "upn"), "theodore@aldermoor.example");
    assert_eq!(plan["told"], json!(["theo@aldermoor.example"]));
    assert_eq!(plan["warnings"], json!(["The primary address stays theo@aldermoor.example."]));
    let wrong = json!({ "upn": "theo@elsewhere.example" });
    let plan = admin.api_patch(&format!("{url}?preview=true"), wrong).expect(200).json();
    assert_eq!(plan["refusals"][0]["field"], "upn");
    let names = json!({ "username": "theodore" });
    let plan = admin.api_patch(&format!("{url}/names?preview=true"), names).expect(200).json();
    assert_eq!(then(&plan, "username"), "theodore");
    let not_one = json!({ "phone": "1" });
    admin.api_patch(&format!("{url}/names?preview=true"), not_one).expect(422);
    let stale = admin.api_with(
        "PATCH",
        &format!("{url}?preview=true"),
        json!({ "phone": "1" }),
        &[("If-Match", "\"7\"")],
    );
    assert_eq!(stale.status, 412);

    assert_eq!(admin.post(&at, &[LOOK, ("phone", "+31 20 456")]).status, 303);
    assert_eq!(scene.text(theo, "phone"), "+31 20 456");
    let version = scene.text(theo, "CAST(version AS TEXT)");
    let typed = [LOOK, ("version", version.as_str()), ("upn", "theodore@aldermoor.example")];
    let page = admin.post(&at, &typed).expect(200);
    assert!(page.says("Change Theo?") && page.says("Told by mail"), "{}", page.body);
    assert_eq!(scene.text(theo, "upn"), "theo@aldermoor.example");
    let carried = carried(&page.body);
    assert!(carried.contains(&("version".to_owned(), version)), "{carried:?}");
    assert_eq!(admin.post(&at, &fields(&carried)).status, 303);
    assert_eq!(scene.text(theo, "upn"), "theodore@aldermoor.example");
    // A last name is changed and the name that is shown is not: that is said before.
    let page = admin.post(&at, &[LOOK, ("last_name", "Vane")]).expect(200);
    assert!(page.says("The user is still shown as Theo."), "{}", page.body);
    // Somebody else was faster while it was looked at.
    let late = admin.post(&at, &fields(&carried));
    assert!(late.status == 422 && late.says("changed this at"), "{}", late.body);
}

#[test]
fn a_customer_is_shown_before_it_is_made_or_its_name_is_pushed() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let url = format!("/customers/{}", scene.home);
    let before = world.everything_but_previews();
    let ask =
        |body: Value| admin.api_patch(&format!("{url}?preview=true"), body).expect(200).json();
    let plan = ask(json!({ "name": "Aldermoor & Sons", "type": "test" }));
    assert_eq!(then(&plan, "name"), "Aldermoor & Sons");
    assert_eq!(plan["steps"][0]["title"], "Provision Aldermoor & Sons");
    assert_eq!(plan["ledger"][0]["kind"], "customer");
    assert_eq!(ask(json!({ "name": "<b>" }))["refusals"][0]["field"], "name");
    for (part, body) in
        [("billing", json!({ "tax_id": "DE1" })), ("limits", json!({ "user_limit": 7 }))]
    {
        let at = format!("{url}/{part}?preview=true");
        let plan = admin.api_patch(&at, body).expect(200).json();
        assert_eq!(plan["diffs"].as_array().unwrap().len(), 1, "{plan}");
    }
    let new = [
        LOOK,
        ("name", "Ferrow Foods"),
        ("domain", "ferrow.example"),
        ("contact_name", "Ada"),
        ("contact_email", "ada@ferrow.example"),
        ("parent_id", "1"),
    ];
    let page = admin.post("/customers", &new).expect(200);
    assert!(page.says("Add Ferrow Foods?") && page.says("FF"), "{}", page.body);
    assert_eq!(world.everything_but_previews(), before);
    assert_eq!(admin.post("/customers", &fields(&carried(&page.body))).status, 303);

    let edit = format!("{url}/edit");
    assert_eq!(admin.post(&edit, &[LOOK, ("phone", "+31 20 456")]).status, 303);
    let page = admin.post(&edit, &[LOOK, ("name", "Aldermoor Bakers")]).expect(200);
    assert!(page.says("Change Aldermoor?") && page.says("Provision Aldermoor Bakers"));
    let name = format!("SELECT name FROM customers WHERE id = {}", scene.home);
    assert_eq!(world.text(&name), "Aldermoor");
    assert_eq!(admin.post(&edit, &fields(&carried(&page.body))).status, 303);
    assert_eq!(world.text(&name), "Aldermoor Bakers");
}

#[test]
fn a_verb_says_what_it_would_do_and_why_it_may_not() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let made = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
    let theo = admin.api_post(&scene.users(), made).expect(201).id();
    let url = format!("/users/{theo}");
    let before = world.everything_but_previews();
    for verb in ["disable", "deprovision"] {
        let plan =
            admin.api_post(&format!("{url}/{verb}?preview=true"), json!({})).expect(200).json();
        assert_eq!(plan["services"][0]["service"], "workplace");
        assert_eq!(plan["refusals"], json!([]));
        assert_eq!(plan["steps"].as_array().unwrap().len(), 1, "{verb}: {plan}");
    }
    let at = format!("{url}?preview=true");
    let plan = admin.api_delete(&at).expect(200).json();
    assert_eq!(plan["refusals"][0]["message"], "Deprovision Theo first.");
    let plan = admin.api_delete(&format!("{at}&deprovision=true")).expect(200).json();
    assert_eq!(plan["refusals"], json!([]));
    assert_eq!(world.everything_but_previews(), before);
    // Oneself: the page has no button that could only refuse.
    let own = admin.get(&format!("/users/{}/disable", admin.id));
    assert!(own.says("You cannot do this to yourself.") && !own.says(">Disable</button>"));
}

#[test]
fn the_last_administrator_goes_from_above_only_when_that_is_meant() {
    for verb in ["disable", "deprovision", "delete", "offboard"] {
        let scene = scene();
        let (world, admin) = (&scene.world, scene.admin());
        let last = world.person_named(scene.home, "Customer administrator", "Lara Last", "lara");
        let url = format!("/users/{}", last.id);
        let (method, path, page, body) = match verb {
            "delete" => {
                ("DELETE", url.clone(), format!("{url}/delete"), json!({ "deprovision": true }))
            }
            verb => ("POST", format!("{url}/{verb}"), format!("{url}/{verb}"), json!({})),
        };
        let tick = "Go on though no administrator is left";
        // Who cannot sign in is nobody's last administrator.
        assert!(!admin.get(&page).says(tick), "{verb}");
        world.may_sign_in(last.id);
        assert!(admin.get(&page).says(tick), "{verb}");
        let refused = admin.api(method, &path, body.clone()).expect(422);
        let why = "is the last administrator of Aldermoor who can sign in. Make another one first.";
        assert_eq!(
            refused.json()["errors"][0]["field"],
            "without_administrator",
            "{}",
            refused.body
        );
        assert!(refused.says(why), "{}", refused.body);
        // From within the tick is worth nothing.
        let colleague = world.person(scene.home, "Customer administrator");
        let mut meant = body.clone();
        meant["without_administrator"] = json!(true);
        let within = colleague.api(method, &path, meant.clone()).expect(422);
        assert!(within.says(why), "{}", within.body);
        assert_eq!(scene.text(last.id.0, "state"), "active", "{verb}");
        assert!(admin.api(method, &path, meant).status < 300, "{verb}");
        world.let_runs_end();
        assert_ne!(scene.text(last.id.0, "state"), "active", "{verb}");
    }
    // Where another one can sign in nothing is asked.
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let one = world.person_named(scene.home, "Customer administrator", "Lara One", "lara");
    let two = world.person(scene.home, "Customer administrator");
    world.may_sign_in(one.id);
    world.may_sign_in(two.id);
    admin.api_post(&format!("/users/{}/disable", one.id), json!({})).expect(200);
}
