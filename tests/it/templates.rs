//! New users with what goes along: templates, copies, services, roles, a welcome.

use crate::world::{Branch as Scene, Person};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::thread;

fn scene() -> Scene {
    Scene::with_workplace()
}

impl Scene {
    fn template(&self, who: &Person, at: CustomerId, body: Value) -> i64 {
        who.api_post(&format!("/customers/{at}/templates"), body).expect(201).id()
    }

    fn held(&self, user: &Value) -> String {
        self.world.text(&format!(
            "SELECT group_concat(services.code || '/' || plans.code) FROM user_services
               JOIN services ON services.id = user_services.service_id JOIN plans ON plans.id = plan_id
              WHERE user_id = {user}"
        ))
    }
}

#[test]
fn a_template_from_above_gives_what_is_there_and_names_what_is_not() {
    let scene = scene();
    let world = &scene.world;
    let ra = world.person(scene.reseller, "Reseller administrator");
    let body = json!({
        "label": "Hygienist", "reach": "below", "days": 90,
        "fields": { "department": "Clinic", "job_title": "Hygienist", "city": "Utrecht" },
        "services": ["workplace/standard", "backup/standard", "workplace/plus"],
        "roles": ["Customer helpdesk", "Customer administrator"],
    });
    let template = scene.template(&ra, scene.reseller, body);
    // Who may not give the role of an administrator gets the user all the same.
    let ua = world.person(scene.home, "User administrator");
    world
        .sql()
        .execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at)
             SELECT ?1, id, ?2, '' FROM roles WHERE name = 'Service administrator'",
            (ua.id, scene.home),
        )
        .unwrap();
    let made = ua
        .api_post(
            &scene.users(),
            json!({ "first_name": "Ylva", "job_title": "Intern", "template": template }),
        )
        .expect(201)
        .json();
    assert_eq!(
        (&made["department"], &made["job_title"], &made["city"]),
        (&json!("Clinic"), &json!("Intern"), &json!("Utrecht")),
        "what is typed goes over it"
    );
    assert_eq!(made["expires_on"], "2026-06-08");
    assert_eq!(scene.held(&made["id"]), "workplace/standard");
    assert_eq!(scene.roles(&made["id"]), "");
    let left: Vec<&str> =
        made["left_out"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left[0].starts_with("Aldermoor does not have Backup."), "{left:?}");
    assert!(left.iter().any(|text| text.contains("Managed workplace already")), "{left:?}");
    assert!(
        left.iter().any(|text| text
            .starts_with("Customer administrator contains rights that you do not have: ")),
        "{left:?}"
    );
    assert_eq!(world.count("SELECT count(*) FROM requests WHERE status = 'failed'"), 0);
    assert_eq!(
        world.count("SELECT count(*) FROM ledger WHERE kind = 'user_service' AND action = 'added'"),
        1
    );
}

#[test]
fn a_template_is_used_where_it_reaches_and_nowhere_else() {
    let scene = scene();
    let world = &scene.world;
    let admin = scene.admin();
    let sibling = world.customer(scene.reseller, "Fenwick");
    let theirs = scene.template(&admin, sibling, json!({ "label": "Theirs", "reach": "both" }));
    let below =
        scene.template(&admin, scene.reseller, json!({ "label": "Below", "reach": "below" }));
    let own = scene.template(&admin, scene.home, json!({ "label": "Own", "reach": "self" }));
    let above =
        scene.template(&admin, scene.reseller, json!({ "label": "Above", "reach": "self" }));
    let try_at = |customer: CustomerId, template: i64| {
        let body = json!({ "first_name": "T", "template": template });
        admin.api_post(&format!("/customers/{customer}/users"), body)
    };
    for (customer, template, good) in [
        (scene.home, below, true),
        (scene.home, own, true),
        (scene.home, theirs, false),
        (scene.home, above, false),
        (scene.reseller, below, false),
        (scene.reseller, above, true),
    ] {
        let answer = try_at(customer, template);
        if good {
            assert_eq!(answer.status, 201, "{}", answer.body);
        } else {
            let said = answer.expect(422).complaints();
            assert_eq!(said, ["template is not one of the choices"]);
            let page = admin.get(&format!("/customers/{customer}/users/new?template={template}"));
            assert_eq!(page.status, 404);
        }
    }
    let page = admin.get(&format!("{}/new", scene.users()));
    assert!(page.says("Start from") && page.says("Below") && page.says("Own"), "{}", page.body);
    assert!(!page.says("Theirs") && !page.says("Above"));
    // A stranger finds none of them.
    let ca = world.person(scene.home, "Customer administrator");
    for (customer, template) in [(sibling, theirs), (scene.home, theirs), (scene.reseller, below)] {
        let url = format!("/customers/{customer}/templates/{template}");
        assert_eq!(ca.api_get(&url).status, 404, "{url}");
        assert_eq!(ca.api_patch(&url, json!({ "label": "Mine" })).status, 404, "{url}");
        assert_eq!(ca.api_delete(&url).status, 404, "{url}");
        assert_eq!(ca.get(&format!("{url}/edit")).status, 404, "{url}");
    }
    let listed = ca.api_get(&format!("/customers/{}/templates", scene.home)).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn templates_are_edited_refused_and_deleted() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let at = format!("/customers/{}/templates", scene.home);
    let body = json!({ "label": "Dentist", "reach": "self", "fields": { "department": "Clinic" } });
    let id = admin.api_post(&at, body.clone()).expect(201).id();
    let said = |body: Value| admin.api_post(&at, body).expect(422).complaints();
    assert_eq!(said(body), ["label is already used by another template"]);
    assert_eq!(
        said(
            json!({ "label": "", "reach": "all", "fields": { "upn": "x", "state": "y" }, "services": ["workplace"], "days": 0 })
        ),
        [
            "label is required",
            "reach is not one of the choices",
            "fields cannot set state",
            "fields cannot set upn",
            "services must be like workplace/standard",
            "days must be a whole number from 1 to 3650",
        ]
    );
    let one = format!("{at}/{id}");
    let changed = admin
        .api_patch(&one, json!({ "label": "Dentists", "roles": ["Customer helpdesk"] }))
        .expect(200)
        .json();
    assert_eq!(
        (&changed["label"], &changed["fields"]["department"]),
        (&json!("Dentists"), &json!("Clinic"))
    );
    let stale = admin.api_with("PATCH", &one, json!({ "label": "X" }), &[("If-Match", "1")]);
    assert_eq!(stale.status, 412, "{}", stale.body);
    let page = admin.get(&format!("{one}/edit"));
    assert!(page.says("Dentists") && page.says("Managed workplace, Standard"), "{}", page.body);
    let page = admin.post(
        &format!("{one}/edit"),
        &[
            ("label", "Dentists"),
            ("reach", "both"),
            ("fields.city", "Delft"),
            ("services", ""),
            ("services", "workplace/standard"),
            ("roles", ""),
            ("days", ""),
        ],
    );
    assert_eq!(page.status, 303, "{}", page.body);
    let now = admin.api_get(&one).json();
    assert_eq!(
        (&now["reach"], &now["fields"], &now["roles"]),
        (&json!("both"), &json!({ "city": "Delft" }), &json!([]))
    );
    assert!(admin.get(&at).says("Dentists"));
    admin.post(&format!("{one}/delete"), &[]).location();
    admin.api_get(&one).expect(404);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'template.changed'"), 4);
}

#[test]
fn what_is_asked_for_along_refuses_the_whole_where_it_cannot_be_given() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let body = json!({ "first_name": "Theo", "services": ["backup/standard", { "service": "workplace", "plan": "standard" }, "x"] });
    let said = admin.api_post(&scene.users(), body).expect(422).complaints();
    assert_eq!(said, ["services must be like workplace/standard: x"]);
    let body = json!({ "first_name": "Theo", "services": ["backup/standard"], "roles": ["Provider helpdesk", "Nobody"] });
    let said = admin.api_post(&scene.users(), body).expect(422).complaints();
    assert_eq!(
        said,
        [
            "services Aldermoor does not have Backup.",
            "roles Provider helpdesk is not allowed at Aldermoor: only people of the provider hold it, at the provider",
            "roles Nobody: is not one of the choices",
        ]
    );
    assert_eq!(
        world.count("SELECT count(*) FROM users WHERE display_name = 'Theo'"),
        0,
        "nothing is left"
    );
    // Each kind needs its own permission.
    let ua = world.person(scene.home, "User administrator");
    let body = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
    let said = ua.api_post(&scene.users(), body).expect(422).complaints();
    assert_eq!(said, ["services needs user_services.write"]);
    let body = json!({ "first_name": "Theo", "roles": ["Customer administrator"] });
    let said = ua.api_post(&scene.users(), body).expect(422).complaints();
    assert!(
        said[0].starts_with("roles Customer administrator contains rights that you do not have: "),
        "{said:?}"
    );
    let ch = world.person(scene.reseller, "Reseller helpdesk");
    let body = json!({ "first_name": "Theo", "roles": ["Customer helpdesk"] });
    let said = ch.api_post(&scene.users(), body).expect(422).complaints();
    assert_eq!(said, ["roles needs roles.grant"]);
    let body = json!({ "first_name": "Theo", "services": [{ "service": "workplace", "plan": "standard" }],
        "roles": ["Customer helpdesk"], "welcome": true, "recovery_email": "theo@post.example" });
    let made = admin.api_post(&scene.users(), body).expect(201).json();
    assert_eq!(
        (scene.held(&made["id"]), scene.roles(&made["id"])),
        ("workplace/standard".into(), "Customer helpdesk".into())
    );
    assert_eq!(
        world.text("SELECT to_address FROM messages WHERE event = 'user.invited'"),
        "theo@post.example"
    );
    assert!(admin.get(&format!("/users/{}", made["id"])).says("Invitation"));
}

#[test]
fn a_copy_takes_what_is_ticked_and_never_what_is_ones_own() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let boss = admin.api_post(&scene.users(), json!({ "first_name": "Maren" })).expect(201).id();
    let model = admin
        .api_post(
            &scene.users(),
            json!({ "first_name": "Theo", "last_name": "Vane", "phone": "+31 20 1", "mobile": "+31 6 1", "notes": "private",
                "employee_id": "77", "description": "his", "external_emails": ["theo@post.example"], "recovery_email": "t@post.example",
                "addresses": ["tv@aldermoor.example"], "expires_on": "2026-12-31", "main_contact": true, "test_user": true,
                "department": "Clinic", "location": "Delft", "office": "2.1", "company": "Aldermoor BV", "street": "Kade 1",
                "city": "Delft", "cost_centre": "C1", "manager": boss, "services": ["workplace/standard"], "roles": ["Customer helpdesk"] }),
        )
        .expect(201)
        .id();
    let url = format!("/users/{model}/copy");
    let made = admin.api_post(&url, json!({ "first_name": "Ylva" })).expect(201).json();
    for field in ["phone", "mobile", "notes", "employee_id", "description", "recovery_email"] {
        assert_eq!(made[field], "", "{field}");
    }
    assert_eq!((&made["addresses"], &made["external_emails"]), (&json!([]), &json!([])));
    assert_eq!(
        (&made["expires_on"], &made["main_contact"], &made["test_user"]),
        (&Value::Null, &json!(false), &json!(false))
    );
    for (field, value) in [
        ("department", "Clinic"),
        ("location", "Delft"),
        ("office", "2.1"),
        ("company", "Aldermoor BV"),
        ("street", "Kade 1"),
        ("city", "Delft"),
        ("cost_centre", "C1"),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(made["manager_id"], boss);
    assert_eq!(
        (scene.held(&made["id"]), scene.roles(&made["id"])),
        ("workplace/standard".into(), "Customer helpdesk".into())
    );
    let spans = "SELECT count(*) FROM ledger WHERE kind = 'user_service' AND action = 'added'";
    assert_eq!(world.count(spans), 2, "each has a span of its own");
    let some = admin
        .api_post(&url, json!({ "first_name": "Idris", "copy": ["department", "address"] }))
        .expect(201)
        .json();
    assert_eq!(
        (&some["department"], &some["city"], &some["office"]),
        (&json!("Clinic"), &json!("Delft"), &json!(""))
    );
    assert_eq!((scene.held(&some["id"]), scene.roles(&some["id"])), (String::new(), String::new()));
    let said = admin
        .api_post(&url, json!({ "first_name": "I", "copy": ["password"] }))
        .expect(422)
        .complaints();
    assert_eq!(said, ["copy has something that is not one of the choices: password"]);
    // Whoever may not give the role leaves it out, and says so.
    let rh = world.person(scene.reseller, "Reseller helpdesk");
    let poor = rh.api_post(&url, json!({ "first_name": "Poor" })).expect(201).json();
    assert_eq!(poor["left_out"], json!(["Customer helpdesk: needs roles.grant"]));
    let page = admin.get(&url);
    assert!(
        page.says("New user like Theo Vane · Aldermoor") && !page.says("+31 20 1"),
        "{}",
        page.body
    );
    let done = admin.post(
        &url,
        &[
            ("first_name", "Page"),
            ("services", ""),
            ("services", "workplace/standard"),
            ("roles", ""),
            ("welcome", "0"),
        ],
    );
    assert_eq!(done.status, 303, "{}", done.body);
    let page = "SELECT CAST(id AS TEXT) FROM users WHERE display_name = 'Page'";
    let page: Value = serde_json::from_str(&world.text(page)).unwrap();
    assert_eq!(
        (scene.held(&page), scene.roles(&page)),
        ("workplace/standard".into(), String::new())
    );
    assert_eq!(world.person(scene.home, "User administrator").get(&url).status, 200);
    let other = world.person(world.reseller("Ferrow"), "Reseller administrator");
    assert_eq!((other.get(&url).status, other.api_post(&url, json!({})).status), (404, 404));
}

#[test]
fn two_of_one_name_at_once_get_two_names() {
    let scene = scene();
    let (admin, users) = (scene.admin(), scene.users());
    let mut names: Vec<String> = thread::scope(|threads| {
        let (admin, users) = (&admin, &users);
        let add = |_| {
            threads.spawn(move || {
                let made =
                    admin.api_post(users, json!({ "first_name": "Jane", "last_name": "Doe" }));
                made.expect(201).json()["upn"].as_str().unwrap().to_owned()
            })
        };
        let all: Vec<_> = (0..4).map(add).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    names.sort();
    assert_eq!(names[0], "jane.doe2@aldermoor.example");
    assert_eq!(names[3], "jane.doe@aldermoor.example");
    names.dedup();
    assert_eq!(names.len(), 4);
}

#[test]
fn a_welcome_ends_with_the_address_it_went_to() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let body =
        json!({ "first_name": "Theo", "recovery_email": "theo@post.example", "welcome": true });
    let id = admin.api_post(&scene.users(), body).expect(201).id();
    let links = format!("SELECT count(*) FROM links WHERE user_id = {id}");
    assert_eq!(world.count(&links), 1);
    admin.api_patch(&format!("/users/{id}"), json!({ "job_title": "Dentist" })).expect(200);
    assert_eq!(world.count(&links), 1);
    admin
        .api_patch(&format!("/users/{id}"), json!({ "recovery_email": "other@post.example" }))
        .expect(200);
    assert_eq!(world.count(&links), 0);
    admin
        .api_patch(
            &format!("/users/{id}"),
            json!({ "upn": "t.vane@aldermoor.example", "external_emails": ["t@post.example"] }),
        )
        .expect(200);
    let told = "SELECT to_address || ' ' || subject FROM messages WHERE event = 'user.renamed'";
    assert_eq!(world.text(told), "t@post.example Your sign-in name has changed");
}
