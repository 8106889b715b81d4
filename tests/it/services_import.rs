//! Services from a file: a verdict for every row, good rows go, and the same file again does nothing.

use crate::assignments::Scene;
use serde_json::json;

const FILE: &str = "user,service,label,plan,action,prop:quota\r\n\
    ,files,,standard,,\r\n\
    theo@aldermoor-dental.example,workplace,,standard,,8 GiB\r\n\
    ANN@aldermoor-dental.example,Workplace,,plus,change,<clear>\r\n\
    una@aldermoor-dental.example,workplace,,,suspend,\r\n\
    gus@aldermoor-dental.example,workplace,,,remove,\r\n\
    nobody@aldermoor-dental.example,workplace,,standard,,\r\n\
    theo@aldermoor-dental.example,desk,,standard,,\r\n\
    ivo@aldermoor-dental.example,workplace,,gold,,\r\n\
    ivo@aldermoor-dental.example,workplace,,standard,fly,\r\n\
    ivo@aldermoor-dental.example,workplace,,standard,,much\r\n";

#[test]
fn p_30_the_same_file_twice_is_unchanged_and_orders_nothing() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    let quota = json!({ "name": "quota", "label": "Mailbox size", "level": "user", "type": "size", "default": "5 GiB" });
    admin.api_post("/services/workplace/properties", quota).expect(201);
    scene.user("theo");
    let [ann, una, gus] = ["ann", "una", "gus"].map(|local| (local, scene.user(local)));
    scene.user("ivo");
    let held = [ann, una, gus].map(|(_, user)| (user, scene.workplace(&admin, user)));
    let own = json!({ "properties": { "quota": "9 GiB" } });
    admin.api_patch(&format!("/users/{}/services/{}", held[0].0, held[0].1), own).expect(202);
    let url = format!("/customers/{}/services/import", scene.customer);

    // A check says what each row would do, and does nothing.
    let before = world.everything_but_previews();
    let checked = admin.api_send(&format!("{url}?dry_run=true"), "text/csv", FILE.as_bytes());
    let checked = checked.expect(200).json();
    assert_eq!(world.everything_but_previews(), before);
    let verdicts: Vec<&str> = checked["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["result"].as_str().unwrap())
        .collect();
    let expected = [
        "given",
        "given",
        "changed",
        "suspended",
        "removed",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
    ];
    assert_eq!(verdicts, expected);
    let why = |n: usize| {
        let row = &checked["rows"][n];
        let first = &row["errors"][0];
        format!("{} {}", first["field"].as_str().unwrap(), first["message"].as_str().unwrap())
    };
    assert_eq!(why(5), "user is not a user of the customer");
    assert_eq!(why(6), "service is not a service we sell");
    assert_eq!(why(7), "plan is not a plan of Managed workplace");
    assert_eq!(why(8), "action must be give, change, suspend, resume or remove");
    assert_eq!(why(9), "properties.quota must be a size like 50 GiB");
    assert_eq!(checked["rows"][9]["line"], 11);

    // The good rows go, in a run that says of each row what became of it.
    let import = || {
        let answer = admin.api_send(&url, "text/csv", FILE.as_bytes()).expect(202).json();
        let run = answer["run_id"].as_i64().unwrap();
        assert_eq!(world.finish(run), "done");
        let result = format!("SELECT result FROM run_lines WHERE run_id = {run} ORDER BY seq");
        world.texts(&result)
    };
    assert_eq!(import(), expected);
    let state = |n: usize| admin.api_get(&format!("/users/{}/services/{}", held[n].0, held[n].1));
    assert_eq!(
        (state(0).json()["plan"].clone(), state(1).json()["state"].clone()),
        (json!("plus"), json!("suspended"))
    );
    state(2).expect(404);
    let values = "SELECT count(*) FROM property_values WHERE holder = 'user_service' AND value = '8589934592'";
    assert_eq!(world.count(values), 1);

    // And again: unchanged, no request.
    let requests = world.count("SELECT count(*) FROM requests");
    let second = import();
    assert_eq!(second.iter().filter(|each| *each == "unchanged").count(), 5, "{second:?}");
    assert_eq!(second.iter().filter(|each| *each == "refused").count(), 5);
    assert_eq!(world.count("SELECT count(*) FROM requests"), requests);

    // What is not a known file is refused as a whole.
    let refused = |text: &str| {
        admin.api_send(&url, "text/csv", text.as_bytes()).expect(422).complaints().join(" ")
    };
    assert_eq!(
        refused("user,service,colour\r\nx,y,z\r\n"),
        "file has the column colour; known are user, service, label, plan, action and prop:NAME"
    );
    assert_eq!(refused("user,plan\r\nx,y\r\n"), "file has no column service");
}

#[test]
fn a_file_of_services_is_checked_on_a_page_first_and_reaches_nobody_elses() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    let (theo, other) = (scene.user("theo"), scene.world.reseller("Ferrow"));
    scene.workplace(&admin, scene.user("first"));
    let here = format!("/customers/{}/services/import", scene.customer);
    assert!(admin.get(&format!("/customers/{}/services", scene.customer)).says(&here));
    assert!(admin.get(&here).expect(200).says("Import services"));
    assert!(
        admin.get(&format!("{here}/template")).expect(200).says("user,service,label,plan,action")
    );
    let bad = admin.upload(&here, &[], ("file", "x.csv", b"what,service\r\n1,2\r\n")).expect(422);
    assert!(bad.says("has the column what"), "{}", bad.body);
    let text = "service,user,plan\r\nworkplace,theo@aldermoor-dental.example,standard\r\nworkplace,far@ferrow.example,standard\r\n";
    world.user(other, "Far", "far");
    let to = admin.upload(&here, &[], ("file", "x.csv", text.as_bytes())).location().to_owned();
    let page = admin.get(&to).expect(200);
    for said in [
        "Carry out 1 row",
        "Refused",
        "is not a user of the customer",
        "theo@aldermoor-dental.example",
    ] {
        assert!(page.says(said), "{said}: {}", page.body);
    }
    let held = format!("SELECT count(*) FROM user_services WHERE user_id = {theo}");
    assert_eq!(world.count(&held), 0);
    let run = admin.post(&to, &[]).location().to_owned();
    let number: i64 = run.trim_start_matches("/runs/").parse().unwrap();
    assert_eq!(world.finish(number), "done");
    assert_eq!(world.count(&held), 1);
    // Another branch reaches neither the page nor the file.
    let stranger = world.person(other, "Reseller administrator");
    for place in [&here, &to] {
        assert_eq!(stranger.get(place).status, 404, "{place}");
    }
    stranger.api_send(&here, "text/csv", text.as_bytes()).expect(404);
    let nobody = world.person(scene.customer, "");
    assert_ne!(nobody.get(&here).status, 200);
}

#[test]
fn a_file_that_takes_services_from_many_waits_for_somebody_to_look() {
    let scene = Scene::new();
    let (world, admin) = (&scene.world, scene.admin());
    let names: Vec<String> = (0..4).map(|n| format!("ann{n}")).collect();
    for name in &names {
        scene.workplace(&admin, scene.user(name));
    }
    let file = |action: &str| {
        let row = |name: &String| {
            format!("{name}@aldermoor-dental.example,workplace,standard,{action}\r\n")
        };
        let rows: String = names.iter().map(row).collect();
        format!("user,service,plan,action\r\n{rows}")
    };
    let url = format!("/customers/{}/services/import", scene.customer);
    let import = |text: &str| {
        let answer = admin.api_send(&url, "text/csv", text.as_bytes()).expect(202).json();
        answer["run_id"].as_i64().unwrap()
    };
    let there = || world.count("SELECT count(*) FROM user_services WHERE live <> 'gone'");
    let run = import(&file("remove"));
    assert_eq!((world.finish(run).as_str(), there()), ("held", 4));
    let held = admin.api_get("/held").expect(200).json()["items"][0].clone();
    assert_eq!((&held["run_id"], &held["number"]), (&json!(run), &json!(4)));
    let list = admin.api_get(&format!("/held/{}/items", held["id"])).expect(200).json();
    assert_eq!(list["items"][0]["text"], "ann0@aldermoor-dental.example: workplace is taken away");
    let go = json!({ "confirm": "4", "reason": "They share one from now on" });
    admin.api_post(&format!("/runs/{run}/release"), go).expect(202);
    assert_eq!((world.finish(run).as_str(), there()), ("done", 0));
    // What gives takes from nobody.
    assert_eq!(world.finish(import(&file("give"))), "done");
    assert_eq!(there(), 4);
}
