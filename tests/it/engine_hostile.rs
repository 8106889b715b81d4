//! What people write in names and what scripts print: none of it gets out of where it belongs.

use crate::engine::{Stage, run};
use crate::peers::{Peer, Scene, dn, samba, slapd};
use crate::world::PROVIDER;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};
use portico::drivers::Outcome;
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::engine::rules::plan;
use portico::engine::{Document, NewStep};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "*)(uid=*",
        ",OU=x",
        "\"",
        "\\",
        "a\nb",
        "a\0b",
        "😀",
        "CN=a,OU=Staff",
        "{user.upn}",
        "#x",
        " x ",
    ]
    .map(str::to_owned)
    .into();
    all.push("x".repeat(300));
    all
}

/// A subject of whom every name that a rule may use is `text`.
fn every_name(scene: &Scene, text: &str) -> Document {
    let names = scene.admin().api_get("/rules/names?event=user.provision").expect(200).json();
    let mut whole = Map::new();
    for name in names["names"].as_array().unwrap_or_else(|| panic!("{names}")) {
        if name["type"] != "text" {
            continue;
        }
        let parts: Vec<&str> = name["name"].as_str().unwrap().split('.').collect();
        let (last, above) = parts.split_last().unwrap();
        let mut inner = &mut whole;
        for part in above {
            let entry = inner.entry((*part).to_owned()).or_insert_with(|| json!({}));
            inner = entry.as_object_mut().unwrap();
        }
        inner.insert((*last).to_owned(), json!(text));
    }
    let take = |name: &str| whole.get(name).cloned().unwrap_or(Value::Null);
    Document { customer: take("customer"), user: take("user"), ..Document::default() }
}

/// What a directory action would be told, or why it is refused.
fn told(
    scene: &Scene,
    customer: portico::ids::CustomerId,
    document: &Document,
    action: &str,
    params: &Value,
) -> Result<Value, String> {
    let admin = scene.admin();
    let rule = json!({
        "event": "user.provision", "key": "it", "action": action, "params": params,
    });
    let id = admin.api_post("/rules", rule).expect(201).id();
    let planned = scene.world.app.db.read(|db| {
        let book = plan::book(db, customer, None, "user.provision")?;
        Ok(book.plan(document, db.now))
    });
    let planned = planned.unwrap();
    admin.api_delete(&format!("/rules/{id}")).expect(204);
    match (planned.steps.first(), planned.refusals.first()) {
        (Some(NewStep { params, .. }), None) => Ok(params.clone()),
        (None, Some(why)) => Err(why.clone()),
        other => panic!("{action} {params}: {:?}", other.1),
    }
}

/// Each parameter of each action that takes a text, alone and within other letters.
fn in_a_directory(peer: &'static Peer) {
    let scene = Scene::new(peer);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let who = (customer, Some(user));
    let own = crate::peers::out(&scene.done(who, "dir.ou_ensure", json!({})), "dn");
    scene.done(who, "dir.ou_ensure", json!({ "name": "Staff" }));
    scene.done(who, "dir.user_ensure", json!({}));
    let group = format!("g{}", scene.base.first().unwrap().value());
    scene.done(who, "dir.group_ensure", json!({ "name": group }));
    let note = if peer.is_ad { "info" } else { "description" };
    let all = |below: &str| -> BTreeSet<String> {
        let at = At::Named(dn(below));
        let mut session = peer.session();
        let found =
            session.search(&at, Depth::Everything, &Filter::anything(), &["cn", "member"], 500);
        found
            .unwrap()
            .into_iter()
            .map(|entry| format!("{} {:?}", entry.name, entry.texts("member")))
            .collect()
    };
    let outside = || -> BTreeSet<String> {
        all(&scene.base.to_string()).into_iter().filter(|line| !line.contains(&own)).collect()
    };
    let before = outside();
    for text in hostile() {
        let document = every_name(&scene, &text);
        // Made under exactly that name, or refused.
        for (action, param, kind) in
            [("dir.ou_ensure", "name", "OU"), ("dir.group_ensure", "name", "CN")]
        {
            let template = format!("{group} {{user.job_title}}.");
            let literal = format!("{group} {text}.");
            let Ok(params) = told(&scene, customer, &document, action, &json!({ param: template }))
            else {
                assert!(text.contains(|c: char| c.is_control()), "{action} {text:?}");
                continue;
            };
            assert_eq!(params[param], literal, "{action}");
            match scene.attempt(who, action, params) {
                Outcome::Done(made) | Outcome::Already(made) => {
                    let name = dn(&crate::peers::out(&made, "dn"));
                    let step = name.first().unwrap().clone();
                    assert!(step.kind().eq_ignore_ascii_case(kind));
                    assert_eq!(step.value(), literal, "{action}");
                    assert_eq!(name.parent().unwrap(), dn(&own), "{action}");
                }
                // A directory refuses some of it in its own words, and OpenLDAP what is too long.
                Outcome::Refused { .. } | Outcome::Retry { .. } => {}
                other => panic!("{action} {text:?}: {other:?}"),
            }
        }
        // Written as it is, or left out.
        let map = json!({ "attributes": format!("{note} = {{customer.name}}") });
        let params = told(&scene, customer, &document, "dir.user_attributes", &map).unwrap();
        assert_eq!(params["attributes"][note], text.as_str());
        match scene.attempt(who, "dir.user_attributes", params) {
            Outcome::Done(made) | Outcome::Already(made) => {
                let entry = scene.entry(&crate::peers::out(&made, "dn")).unwrap();
                let out = made.warnings.iter().any(|said| said.contains(note));
                assert!(out || entry.text(note) == text, "{text:?}: {:?}", entry.text(note));
            }
            Outcome::Refused { .. } | Outcome::Retry { .. } => {}
            other => panic!("{text:?}: {other:?}"),
        }
        // As a target it names what is called so, and nothing else.
        let members = all(&own);
        for (action, param) in [
            ("dir.member_add", "group"),
            ("dir.member_remove", "group"),
            ("dir.group_remove", "group"),
            ("dir.user_delete", "user"),
            ("dir.disable", "user"),
            ("dir.user_move", "ou"),
            ("dir.ou_remove_if_empty", "ou"),
            ("dir.ou_ensure", "parent"),
        ] {
            let mut typed = json!({ param: "{user.job_title}" });
            if action == "dir.ou_ensure" {
                typed["name"] = json!("x");
            }
            let Ok(params) = told(&scene, customer, &document, action, &typed) else { continue };
            assert!(!text.contains('='), "{text:?} would be a path");
            let ended = scene.attempt(who, action, params);
            assert!(!matches!(ended, Outcome::Unknown { .. }), "{action} {text:?}: {ended:?}");
        }
        let now = all(&own);
        let lost: Vec<&String> = members.difference(&now).collect();
        assert!(lost.is_empty(), "{text:?} took {lost:?}");
        assert_eq!(outside(), before, "{text:?}");
    }
}

#[test]
fn p_50_whatever_a_name_holds_stays_what_it_is_in_active_directory() {
    in_a_directory(samba());
}

#[test]
fn p_50_whatever_a_name_holds_stays_what_it_is_in_openldap() {
    in_a_directory(slapd());
}

#[test]
fn p_52_a_script_that_prints_its_secrets_in_every_form_leaves_none() {
    const SECRET: &str = "p\"w\\d Tr0ub4dor&3/+end";
    let stage = Stage::new();
    let text = r#"exec python3 -c '
import sys, json, base64, urllib.parse
call = json.load(sys.stdin)
s = call["secrets"]["api_key"]
b = s.encode()
forms = [s, base64.b64encode(b).decode(), base64.urlsafe_b64encode(b).decode(),
         urllib.parse.quote(s, safe=""), json.dumps(s), json.dumps({"password": s}), json.dumps(json.dumps(s))]
for form in forms:
    print("using", form, file=sys.stderr)
print(json.dumps({"message": "It ended with " + " ".join(forms), "outputs": {"mailbox": " ".join(forms)},
                  "changes": forms, "warnings": forms}))
sys.exit(int(call["props"].get("exit", "0")))
'
"#;
    let secrets = json!({ "api_key": SECRET }).to_string();
    let it = stage.script(
        "it",
        text,
        "outputs = [\"mailbox\"]\nsecrets = [\"api_key\"]\n",
        Some(&secrets),
    );
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let mut all = Vec::new();
    for (local, exit, end) in [("ann", "0", "done"), ("bea", "30", "failed")] {
        let step = NewStep { params: json!({ "inputs": { "exit": exit } }), ..run(it) };
        let id = stage.give(of, stage.user(of, local), vec![step]);
        stage.ends(id, end);
        all.push(id);
    }
    engine.stop();
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let encoded: String =
        form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>().replace('+', "%20");
    let inner = json!(SECRET).to_string();
    let forms = [
        SECRET.to_owned(),
        BASE64_STANDARD.encode(SECRET),
        BASE64_URL_SAFE.encode(SECRET),
        encoded,
        inner.trim_matches('"').to_owned(),
        "Tr0ub4dor".to_owned(),
    ];
    let clean = |what: &str, text: &str| {
        for form in &forms {
            assert!(!text.contains(form.as_str()), "{what} holds {form}");
        }
    };
    for id in &all {
        for at in [format!("/requests/{id}"), format!("/requests/{id}/live"), "/requests".into()] {
            clean(&at, &admin.get(&at).body);
        }
        let answer = admin.api_get(&format!("/requests/{id}")).expect(200);
        assert!(answer.body.contains("using ***"), "the log is there: {}", answer.body);
        clean("the API", &answer.body);
    }
    for at in ["/requests", "/requests/errors.atom", "/audit", "/connectors"] {
        clean(at, &admin.api_get(at).expect(200).body);
    }
    let feed = admin.api_get("/requests/errors.atom").body;
    assert!(feed.contains("It ended with ***"), "why it failed is there: {feed}");
    clean("metrics", &crate::metrics::text(&stage.world.app));
    // All that is stored, mails among it, but for what is sealed.
    let world = &stage.world;
    world.sql().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    for file in std::fs::read_dir(world.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            clean(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
        }
    }
}
