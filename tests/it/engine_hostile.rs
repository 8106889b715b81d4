//! What scripts print of their secrets: none of it is left anywhere.

use crate::engine::{Stage, run};
use crate::world::PROVIDER;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};
use portico::engine::NewStep;
use serde_json::json;

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
    for at in ["/requests", "/requests/errors.atom", "/audit", "/events", "/connectors"] {
        clean(at, &admin.api_get(at).body);
    }
    clean("metrics", &admin.get("/metrics").body);
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
