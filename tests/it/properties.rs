//! Custom properties: who asks for what, who sees and says it, and what becomes of the values.

use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};

struct Scene {
    world: World,
    reseller: CustomerId,
    home: CustomerId,
    sibling: CustomerId,
}

/// Aldermoor below Brightwater, and Corvel below another reseller.
fn scene() -> Scene {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    let other = world.reseller("Dunmore");
    let sibling = world.customer(other, "Corvel");
    Scene { world, reseller, home, sibling }
}

impl Scene {
    fn define(&self, who: &Person, at: CustomerId, more: Value) -> String {
        let mut body = json!({ "label": "Badge number", "key": "badge", "subject": "user" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let made = who.api_post(&format!("/customers/{at}/properties"), body).expect(201).json();
        made["key"].as_str().unwrap().to_owned()
    }

    fn person(&self, local: &str) -> i64 {
        self.world.user(self.home, &format!("Ann {local}"), local).0
    }

    fn value(&self, user: i64) -> String {
        self.world.text(&format!("SELECT value FROM custom_values WHERE user_id = {user}"))
    }
}

/// What one may say of a property, one after the other.
#[test]
fn a_definition_says_all_that_is_wrong_with_it() {
    let scene = scene();
    let admin = scene.world.person(scene.reseller, "Reseller administrator");
    let url = format!("/customers/{}/properties", scene.reseller);
    let wrong = json!({
        "key": "Badge No", "label": "", "type": "domain", "reach": "far", "subject": "customer",
        "seen_by": "edited", "pattern": "(", "least": 5, "most": 3, "script": "x",
    });
    let said = admin.api_post(&url, wrong).expect(422).complaints();
    for each in [
        "key must be small letters, digits and _, a letter first",
        "label is required",
        "type is not one of the choices",
        "reach is not one of the choices",
        "seen_by must be above or administrators for a customer",
        "pattern is not a pattern that can be read",
        "most must not be less than the least",
    ] {
        assert!(said.contains(&each.to_owned()), "{each} is not in {said:?}");
    }
    assert!(said.iter().any(|each| each.starts_with("script is not a field here")), "{said:?}");
    let bare = json!({ "key": "floor", "label": "Floor", "type": "choice" });
    assert_eq!(admin.api_post(&url, bare).complaints(), ["choices must be one at least"]);

    scene.define(&admin, scene.reseller, json!({}));
    let taken = "key is already used by a property here, above or below";
    let provider = scene.world.person(PROVIDER, "Provider administrator");
    let ca = scene.world.person(scene.home, "Customer administrator");
    let twin = json!({ "key": "badge", "label": "Another" });
    for (who, at) in [(&admin, scene.reseller), (&provider, PROVIDER), (&ca, scene.home)] {
        let again = who.api_post(&format!("/customers/{at}/properties"), twin.clone());
        assert_eq!(again.complaints(), [taken]);
    }
    let beside = format!("/customers/{}/properties", scene.sibling);
    provider.api_post(&beside, twin).expect(201);
    let stored =
        scene.world.text("SELECT detail FROM audit_log WHERE action = 'property.changed' LIMIT 1");
    assert_eq!(serde_json::from_str::<Value>(&stored).unwrap()["change"], "added");
}

#[test]
fn values_are_checked_kept_and_told_by_page_and_api_alike() {
    let scene = scene();
    let admin = scene.world.person(scene.reseller, "Reseller administrator");
    let pattern = json!({ "pattern": "[A-Z]{2}[0-9]{4}", "message": "must be like AB1234" });
    scene.define(&admin, scene.reseller, pattern);
    let choices = json!({
        "key": "languages", "label": "Languages", "type": "choices", "category": "About the person",
        "choices": "en = English\nnl = Dutch\nde = German",
    });
    scene.define(&admin, scene.reseller, choices);
    scene.define(
        &admin,
        scene.reseller,
        json!({ "key": "buddy", "label": "Buddy", "type": "user" }),
    );
    let (ann, bo) = (scene.person("ann"), scene.person("bo"));
    let at = format!("/users/{ann}");
    let wrong = json!({ "properties": { "badge": "12", "languages": ["xx"], "buddy": "nobody", "shoe": 1 } });
    assert_eq!(
        admin.api_patch(&at, wrong).expect(422).complaints(),
        [
            "properties.badge must be like AB1234",
            "properties.buddy is not a user who can be chosen",
            "properties.languages has something that is not one of the choices",
            "properties.shoe is not a property here",
        ]
    );
    let good = json!({ "properties": { "badge": "AB1234", "languages": ["nl", "en"], "buddy": format!("bo@{}", "aldermoor.example") } });
    let told = admin.api_patch(&at, good).expect(200).json();
    assert_eq!(
        told["properties"],
        json!({ "badge": "AB1234", "languages": ["en", "nl"], "buddy": bo })
    );
    let change = scene.world.text("SELECT detail FROM audit_log WHERE action = 'user.changed'");
    let change: Value = serde_json::from_str(&change).unwrap();
    assert_eq!(change["properties.languages"], json!(["", "en, nl"]));

    let page = admin.get(&at).expect(200);
    assert!(page.says("About the person") && page.says("English, Dutch") && page.says("Ann bo"));
    let form = admin.get(&format!("{at}/edit")).expect(200);
    assert!(form.says("bo@aldermoor.example") && form.says(r#"value="AB1234""#), "{}", form.body);
    let refused = admin.post(&format!("{at}/edit"), &[("properties.badge", "ab")]).expect(422);
    assert!(refused.says("must be like AB1234") && refused.says(r##"href="#properties.badge""##));
    admin.post(&format!("{at}/edit"), &[("properties.badge", ""), ("properties.languages", "de")]);
    let told = admin.api_get(&at).json();
    assert_eq!(told["properties"], json!({ "badge": null, "languages": ["de"], "buddy": bo }));

    // Nobody is named any more who is gone, and a new user may begin with values.
    admin.api_delete(&format!("/users/{bo}?deprovision=true")).expect(200);
    assert_eq!(admin.api_get(&at).json()["properties"]["buddy"], Value::Null);
    let users = format!("/customers/{}/users", scene.home);
    let new = json!({ "first_name": "Cy", "properties": { "badge": "CC0001" } });
    assert_eq!(admin.api_post(&users, new).expect(201).json()["properties"]["badge"], "CC0001");
    let form = admin.get(&format!("{users}/new")).expect(200);
    assert!(form.says(r#"name="properties.badge""#) && form.says("Languages"));
    let user =
        [("first_name", "Dee"), ("properties.badge", "DD0001"), ("properties.languages", "")];
    assert!(admin.post(&users, &user).location().starts_with("/users/"));
    assert!(scene.world.text("SELECT group_concat(value) FROM custom_values").contains("DD0001"));
}

#[test]
fn what_became_required_holds_up_no_other_edit_and_marks_what_is_incomplete() {
    let scene = scene();
    let admin = scene.world.person(scene.reseller, "Reseller administrator");
    scene.define(&admin, scene.reseller, json!({}));
    let contract = json!({ "key": "contract", "label": "Contract", "subject": "customer" });
    scene.define(&admin, scene.reseller, contract);
    let ann = scene.person("ann");
    let at = format!("/users/{ann}");
    assert!(!admin.get(&at).says("Incomplete"));
    for key in ["badge", "contract"] {
        let url = format!("/customers/{}/properties/{key}", scene.reseller);
        admin.api_patch(&url, json!({ "required": true })).expect(200);
    }
    admin.api_patch(&at, json!({ "job_title": "Nurse" })).expect(200);
    assert!(
        admin.get(&at).says("Incomplete") && admin.get(&at).says("Badge number must be filled in")
    );
    let home = format!("/customers/{}", scene.home);
    admin.api_patch(&home, json!({ "phone": "+31 20 1" })).expect(200);
    assert!(admin.get(&home).says("Contract must be filled in"));
    // The form names it, so it bites there; so does whoever empties it.
    let form = [("job_title", "Cook"), ("properties.badge", "")];
    assert!(admin.post(&format!("{at}/edit"), &form).expect(422).says("Badge number is required."));
    let emptied = admin.api_patch(&at, json!({ "properties": { "badge": null } })).expect(422);
    assert_eq!(emptied.complaints(), ["properties.badge is required"]);
    admin.post(&format!("{at}/edit"), &[("job_title", "Cook"), ("properties.badge", "7")]);
    assert!(!admin.get(&at).says("Incomplete"));
    admin.api_patch(&home, json!({ "properties": { "contract": "C-1" } })).expect(200);
    assert!(admin.get(&home).says("C-1") && !admin.get(&home).says("Incomplete"));
    let refused =
        admin.api_patch(&format!("{home}/limits"), json!({ "properties": { "contract": "" } }));
    assert_eq!(refused.expect(422).complaints(), ["properties is not a field here"]);
    // A new customer is asked at once.
    let new = json!({ "name": "Fenwick", "parent_id": scene.reseller, "domain": "fenwick.example",
        "contact_name": "F", "contact_email": "f@fenwick.example", "properties": { "contract": "" } });
    let said = admin.api_post("/customers", new).expect(422).complaints();
    assert_eq!(said, ["properties.contract is required"]);
}

#[test]
fn archived_values_are_kept_and_exported_and_nothing_goes_that_is_in_use() {
    let scene = scene();
    let admin = scene.world.person(scene.reseller, "Reseller administrator");
    scene.define(&admin, scene.reseller, json!({}));
    let ann = scene.person("ann");
    let at = format!("/users/{ann}");
    admin.api_patch(&at, json!({ "properties": { "badge": "007" } })).expect(200);
    let url = format!("/customers/{}/properties/badge", scene.reseller);
    let kind = admin.api_patch(&url, json!({ "type": "integer" })).expect(422);
    assert_eq!(kind.complaints(), ["type is fixed once a value is stored"]);
    assert_eq!(admin.api_patch(&url, json!({ "key": "b" })).complaints(), ["key cannot change"]);
    let left = "Badge number has 1 value; archive it, or erase them first.";
    assert_eq!(admin.api_delete(&url).expect(422).complaints(), [left]);
    assert!(admin.post(&format!("{url}/delete"), &[]).expect(422).says(left));

    admin.api_patch(&url, json!({ "archived": true })).expect(200);
    assert_eq!(scene.value(ann), "\"007\"");
    let page = admin.get(&at);
    assert!(page.says("007") && page.says("archived"));
    assert!(!admin.get(&format!("{at}/edit")).says("properties.badge"));
    let edit = admin.api_patch(&at, json!({ "properties": { "badge": "8" } })).expect(422);
    assert_eq!(edit.complaints(), ["properties.badge is archived"]);
    let users = format!("/customers/{}/users", scene.home);
    let file = admin.api_get(&format!("{users}/export")).expect(200);
    assert!(file.says("custom:badge") && file.says(",007"), "{}", file.body);
    let back = admin.api_send(&format!("{users}/import"), "text/csv", file.body.as_bytes());
    assert_eq!(back.json()["unchanged"], 1, "{}", back.body);
    assert!(back.says("‘custom:badge’ is not used"), "{}", back.body);

    let typed = admin.post(&format!("{url}/erase"), &[("confirm", "2")]).expect(422);
    assert!(typed.says("does not match 1"));
    let done = admin.post(&format!("{url}/erase"), &[("confirm", "1")]);
    assert_eq!(done.location(), format!("{url}/delete"));
    assert!(admin.get(&format!("{url}/delete")).says("Nobody has a value of it."));
    admin.post(&format!("{url}/delete"), &[]);
    assert_eq!(scene.world.count("SELECT count(*) FROM custom_properties"), 0);
}

#[test]
fn the_file_of_customers_has_what_each_may_see_of_them() {
    let scene = scene();
    let (world, home) = (&scene.world, scene.home);
    let admin = world.person(scene.reseller, "Reseller administrator");
    for (key, seen_by) in [("margin", "above"), ("region", "administrators")] {
        let more = json!({ "key": key, "label": key, "subject": "customer", "seen_by": seen_by });
        scene.define(&admin, scene.reseller, more);
    }
    let values = json!({ "properties": { "margin": "thin", "region": "north" } });
    admin.api_patch(&format!("/customers/{home}"), values).expect(200);
    let file = |who: &Person| -> Vec<String> {
        who.get("/customers/export").expect(200).body.lines().map(str::to_owned).collect()
    };
    let all = file(&admin);
    assert!(all[0].ends_with(",custom:margin,custom:region"), "{}", all[0]);
    assert!(all.iter().any(|line| line.contains("Aldermoor") && line.ends_with(",thin,north")));
    // Below nobody, nothing for those above is even named.
    let ca = file(&world.person(home, "Customer administrator"));
    assert!(ca[0].ends_with(",Created,custom:region") && ca[1].ends_with(",north"), "{ca:?}");
    let stranger = file(&world.person(scene.sibling, "Customer administrator"));
    assert!(!stranger[0].contains("custom:"), "{stranger:?}");
}

#[test]
fn a_property_is_unknown_to_a_sibling_and_to_those_who_may_not_see_it() {
    let scene = scene();
    let (world, home) = (&scene.world, scene.home);
    let admin = world.person(scene.reseller, "Reseller administrator");
    let provider = world.person(PROVIDER, "Provider administrator");
    for (key, seen_by) in
        [("quiet", "above"), ("open", "administrators"), ("shown", "user"), ("mine", "edited")]
    {
        scene.define(
            &admin,
            scene.reseller,
            json!({ "key": key, "label": format!("The {key} one"), "seen_by": seen_by }),
        );
    }
    let secret =
        json!({ "key": "margin", "label": "Margin", "subject": "customer", "seen_by": "above" });
    scene.define(&admin, scene.reseller, secret);
    scene.define(
        &admin,
        scene.reseller,
        json!({ "key": "here", "label": "Here", "reach": "self" }),
    );
    let below = world.user(scene.sibling, "Zoe", "zoe");
    let other = format!("/users/{below}");
    assert_eq!(provider.api_get(&other).json().get("properties"), None);
    let named = provider.api_patch(&other, json!({ "properties": { "open": "x" } })).expect(422);
    assert_eq!(named.complaints(), ["properties.open is not a property here"]);

    let keys = |who: &Person, user: i64| -> Vec<String> {
        let told = who.api_get(&format!("/users/{user}")).expect(200).json();
        told["properties"].as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default()
    };
    let ann = scene.person("ann");
    let at = format!("/users/{ann}");
    admin.api_patch(&at, json!({ "properties": { "quiet": "hushed" } })).expect(200);
    let ca = world.person(home, "Customer administrator");
    assert_eq!(keys(&provider, ann), ["mine", "open", "quiet", "shown"]);
    assert_eq!(keys(&ca, ann), ["mine", "open", "shown"]);
    assert!(!ca.get(&at).says("hushed") && admin.get(&at).says("hushed"));
    let tried = ca.api_patch(&at, json!({ "properties": { "quiet": "loud" } })).expect(422);
    assert_eq!(tried.complaints(), ["properties.quiet is not a property here"]);
    let users = format!("/customers/{home}/users");
    assert!(!ca.api_get(&format!("{users}/export")).says("quiet"));
    assert!(admin.api_get(&format!("{users}/export")).says("hushed"));
    assert_eq!(ca.api_get(&format!("/customers/{home}")).json().get("properties"), None);
    let reader = world.person(home, "Customer helpdesk");
    assert_eq!(keys(&reader, ann), [""; 0]);

    // The user sees what is for the user, and changes what is theirs.
    admin
        .api_patch(
            &format!("/users/{}", reader.id),
            json!({ "properties": { "shown": "yes it is", "open": "unsaid" } }),
        )
        .expect(200);
    let own = reader.get("/account").expect(200);
    assert!(own.says("yes it is") && !own.says("unsaid"));
    reader.api_patch("/account/details", json!({ "properties": { "mine": "x" } })).expect(403);
    let allow = "INSERT INTO allowed_roles (customer_id, role_id, rule) SELECT 1, id, 'allow' FROM roles WHERE name = 'My account'";
    world.sql().execute_batch(allow).unwrap();
    let me = world.person(home, "My account");
    let both = json!({ "properties": { "mine": "x", "shown": "y" } });
    let said = me.api_patch("/account/details", both).expect(422).complaints();
    assert_eq!(said, ["properties.shown is not yours to change"]);
    me.post("/account/details", &[("properties.mine", "my own")]);
    assert_eq!(admin.api_get(&format!("/users/{}", me.id)).json()["properties"]["mine"], "my own");
    assert!(me.get("/account/details").says("my own"));

    // Definitions are seen where they hold; only who defined one changes it.
    let ca_url = format!("/customers/{home}/properties");
    assert_eq!(ca.api_patch(&format!("{ca_url}/open"), json!({ "label": "x" })).status, 404);
    assert!(ca.get(&ca_url).says("Defined by") && ca.get(&ca_url).says("The open one"));
    assert_eq!(ca.api_get(&format!("/customers/{}/properties", scene.reseller)).status, 404);
    let ra = world.person(world.reseller("Eastgate"), "Reseller administrator");
    assert_eq!(ra.get(&ca_url).status, 404);
    assert_eq!(ra.api_delete(&format!("{ca_url}/open")).status, 404);
    world.person(home, "User administrator").api_get(&ca_url).expect(403);
}

#[test]
fn files_templates_and_many_at_once_carry_them() {
    let scene = scene();
    let admin = scene.world.person(scene.reseller, "Reseller administrator");
    scene.define(&admin, scene.reseller, json!({ "required": true }));
    let languages = json!({
        "key": "languages", "label": "Languages", "type": "choices", "choices": "en = English\nnl = Dutch",
    });
    scene.define(&admin, scene.reseller, languages);
    let users = format!("/customers/{}/users", scene.home);
    let import =
        |body: &str| admin.api_send(&format!("{users}/import"), "text/csv", body.as_bytes()).json();
    let file = "First Name,UPN,Badge number,custom:languages,custom:shoe\n\
                Ann,ann@aldermoor.example,A1,\"en, nl\",43\nBo,bo@aldermoor.example,,xx,44\n";
    let report = import(file);
    assert_eq!((&report["created"], &report["refused"]), (&json!(1), &json!(1)), "{report}");
    let error = &report["rows"][1]["errors"][0];
    assert_eq!(error["column"], "custom:languages");
    assert_eq!(error["message"], "has something that is not one of the choices");
    assert!(report["notices"].to_string().contains("‘custom:shoe’ is not used"), "{report}");
    assert_eq!(
        import(&file.replace(",,xx", ",,"))["created"],
        1,
        "a blank leaves, required or not"
    );
    let cleared = import("UPN,custom:badge\nann@aldermoor.example,<clear>\n");
    assert_eq!(cleared["rows"][0]["errors"][0]["message"], "is required", "{cleared}");
    let told = admin.api_get(&format!("{users}/export")).body;
    assert!(told.contains("A1,\"en, nl\""), "{told}");
    let again = admin.api_send(&format!("{users}/import"), "text/csv", told.as_bytes()).json();
    assert_eq!(again["unchanged"], 2, "{again}");

    let templates = format!("/customers/{}/templates", scene.home);
    let fields =
        json!({ "properties": { "badge": "T1", "languages": ["nl"] }, "job_title": "Cook" });
    let wrong =
        json!({ "label": "Kitchen", "reach": "self", "fields": { "properties": { "shoe": "1" } } });
    let said = admin.api_post(&templates, wrong).expect(422).complaints();
    assert_eq!(said, ["fields.properties.shoe is not a property here"]);
    let template = json!({ "label": "Kitchen", "reach": "self", "fields": fields });
    let template = admin.api_post(&templates, template).expect(201).id();
    let form = admin.get(&format!("{users}/new?template={template}")).expect(200);
    assert!(form.says(r#"value="T1""#) && form.says(r#"value="nl" checked"#), "{}", form.body);
    assert!(admin.get(&format!("{templates}/{template}/edit")).says("fields.properties.badge"));
    let cy =
        admin.api_post(&users, json!({ "first_name": "Cy", "template": template })).expect(201);
    assert_eq!(cy.json()["properties"], json!({ "badge": "T1", "languages": ["nl"] }));

    let ids: Vec<i64> = ["ann", "bo"]
        .map(|name| {
            scene.world.count(&format!(
                "SELECT user_id FROM user_names WHERE name = '{name}@aldermoor.example'"
            ))
        })
        .to_vec();
    let bulk = format!("{users}/bulk");
    let page = admin.get(&format!("{bulk}?id={}&id={}", ids[0], ids[1])).expect(200);
    assert!(page.says("input.set.properties.badge"), "{}", page.body);
    let order = json!({
        "action": "edit", "ids": ids, "preview": true,
        "input": { "set": { "properties": { "languages": ["en", "nl"] } }, "clear": ["properties.badge"] },
    });
    let seen = admin.api_post(&bulk, order).expect(200).json();
    assert_eq!(seen["items"][0]["why"], "badge is required", "{seen}");
    let order = json!({
        "action": "edit", "ids": ids,
        "input": { "set": { "properties": { "languages": ["nl"] } } },
    });
    let run = admin.api_post(&bulk, order).expect(202).json()["run_id"].as_i64().unwrap();
    let done = |run: i64| {
        let handle = portico::jobs::start(&scene.world.app).unwrap();
        let url = format!("/runs/{run}");
        while ["queued", "running"].contains(&admin.api_get(&url).json()["state"].as_str().unwrap())
        {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        handle.stop();
        admin.api_get(&url).json()["numbers"].clone()
    };
    assert_eq!(done(run)["changed"], 2);
    let of =
        |id: i64| admin.api_get(&format!("/users/{id}")).json()["properties"]["languages"].clone();
    assert_eq!((of(ids[0]), of(ids[1])), (json!(["nl"]), json!(["nl"])));
    admin
        .api_patch(&format!("/users/{}", ids[1]), json!({ "properties": { "languages": ["en"] } }))
        .expect(200);
    let back = admin.api_post(&format!("/runs/{run}/undo"), Value::Null).expect(202);
    done(back.json()["run_id"].as_i64().unwrap());
    assert_eq!(
        (of(ids[0]), of(ids[1])),
        (json!(["en", "nl"]), json!(["en"])),
        "changed since: spared"
    );
}

#[test]
fn personal_values_go_with_the_person_and_with_the_customer() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.world.person(PROVIDER, "Provider administrator"));
    scene.define(&admin, PROVIDER, json!({}));
    scene.define(&admin, scene.home, json!({ "key": "pet", "label": "Pet" }));
    let (ann, bo) = (scene.person("ann"), scene.person("bo"));
    for id in [ann, bo] {
        let values = json!({ "properties": { "badge": "Hippogriff", "pet": "Basilisk" } });
        admin.api_patch(&format!("/users/{id}"), values).expect(200);
    }
    let at = format!("/users/{ann}");
    admin.api_delete(&format!("{at}?deprovision=true")).expect(200);
    admin
        .api_post(&format!("{at}/erase"), json!({ "confirm": "ann@aldermoor.example" }))
        .expect(204);
    assert_eq!(
        world.count(&format!("SELECT count(*) FROM custom_values WHERE user_id = {ann}")),
        0
    );
    let said = format!(
        "SELECT count(*) FROM audit_log WHERE subject_id = {ann} AND detail LIKE '%Basilisk%'"
    );
    assert_eq!(world.count(&said), 0);
    assert_eq!(world.count("SELECT count(*) FROM custom_values"), 2, "Bo’s are as they were");
}

#[test]
fn a_user_who_moves_takes_along_what_holds_at_both() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.world.person(PROVIDER, "Provider administrator"));
    scene.define(&admin, scene.reseller, json!({}));
    scene.define(&admin, scene.home, json!({ "key": "pet", "label": "Pet" }));
    let there = world.customer(scene.reseller, "Fernhollow");
    let ann = scene.person("ann");
    let values = json!({ "properties": { "badge": "A1", "pet": "Cat" } });
    admin.api_patch(&format!("/users/{ann}"), values).expect(200);
    let to = json!({ "customer_id": there });
    let moved = admin.api_post(&format!("/users/{ann}/move"), to).expect(202).json();
    assert!(moved["dropped"].as_array().unwrap().contains(&json!("Pet")), "{moved}");
    let told = admin.api_get(&format!("/users/{ann}")).json();
    assert_eq!(told["properties"], json!({ "badge": "A1" }));
    let page = admin.get(&format!("/users/{ann}"));
    assert!(!page.says("Pet"), "what does not hold there is not seen there");
}
