//! New sign-in names for many: by domain, by pattern, from a list; collisions, swaps, what stays.

use crate::many::{Scene, numbers, scene};
use crate::world::{PROVIDER, Person, World};
use serde_json::{Value, json};

/// Aldermoor with a second domain.
fn with_domain(n: usize) -> Scene {
    let scene = scene(n);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let domains = format!("/customers/{}/domains", scene.home);
    admin.api_post(&domains, json!({ "name": "alder.example" })).expect(201);
    scene
}

fn preview(scene: &Scene, who: &Person, mut order: Value) -> Value {
    order["preview"] = json!(true);
    who.api_post(&scene.url(), order).expect(200).json()
}

impl Scene {
    fn names(&self, n: usize) -> String {
        self.world.text(&format!(
            "SELECT group_concat(name, ' ') FROM (SELECT name FROM user_names WHERE user_id = {} ORDER BY name)",
            self.anns[n]
        ))
    }
}

#[test]
fn a_thousand_go_to_another_domain_but_for_three_whose_names_are_taken() {
    let mut scene = with_domain(0);
    scene.anns = scene.world.users(scene.home, "ann", 1_000);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    for taken in ["ann7", "ann500", "ann999"] {
        let body = json!({ "first_name": "Other", "upn": format!("{taken}@alder.example") });
        admin.api_post(&format!("/customers/{}/users", scene.home), body).expect(201);
    }
    let order = scene.order("upn", json!({ "domain": "alder.example" }));
    let seen = preview(&scene, &admin, order.clone());
    let items = seen["items"].as_array().unwrap();
    let refused: Vec<&Value> = items.iter().filter(|one| one["result"] == "refused").collect();
    assert_eq!((items.len(), refused.len()), (1_000, 3), "{refused:?}");
    assert_eq!(refused[0]["why"], "sign-in name is taken by Other");
    assert_eq!(scene.run(&admin, order).1, numbers(997, 0, 3));
    let on = "SELECT count(*) FROM users WHERE upn LIKE 'ann%@alder.example' AND mail = upn AND display_name LIKE 'ann %'";
    assert_eq!(scene.world.count(on), 997);
    let kept = "SELECT count(*) FROM user_names WHERE name LIKE 'ann%@aldermoor.example'";
    assert_eq!(scene.world.count(kept), 1_000, "old names are addresses");
    let told = "SELECT count(*) FROM messages WHERE event = 'user.renamed'";
    assert_eq!(scene.world.count(told), 0, "nobody is mailed unless that was ticked");
    let said = "SELECT count(*) FROM audit_log WHERE action = 'user.renamed'";
    assert_eq!(scene.world.count(said), 997);
    assert_eq!(scene.names(1), "ann1@alder.example ann1@aldermoor.example");
}

#[test]
fn two_swap_their_names_and_chains_move_up_in_one_transaction() {
    let scene = with_domain(6);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let mut names = serde_json::Map::new();
    for (old, new) in [("ann0", "ann1"), ("ann1", "ann0"), ("ann2", "ann3"), ("ann3", "ann9")] {
        names.insert(format!("{old}@aldermoor.example"), json!(format!("{new}@aldermoor.example")));
    }
    let mut input = json!({ "names": names });
    input["tell"] = json!(true);
    let order = json!({ "action": "upn", "input": input });
    let seen = preview(&scene, &admin, order.clone());
    assert_eq!(seen["users"], 4, "a list says by itself who is meant");
    assert!(
        seen["items"].as_array().unwrap().iter().all(|one| one["result"] == "changed"),
        "{seen}"
    );
    assert_eq!(scene.run(&admin, order).1, numbers(4, 0, 0));
    assert_eq!(
        scene.text("upn || ' ' || mail", 0),
        "ann1@aldermoor.example ann1@aldermoor.example"
    );
    assert_eq!(
        scene.text("upn || ' ' || mail", 1),
        "ann0@aldermoor.example ann0@aldermoor.example"
    );
    assert_eq!(scene.names(2), "ann2@aldermoor.example ann3@aldermoor.example");
    assert_eq!(scene.names(3), "ann9@aldermoor.example", "the old one went to another");
    let told = "SELECT count(*) FROM messages WHERE event = 'user.renamed'";
    assert!(scene.world.count(told) >= 4);
    assert_eq!(
        scene.world.count("SELECT count(*) FROM pragma_foreign_key_check"),
        0,
        "no name is left without its user"
    );

    // One of a pair cannot: both stay as they are.
    let names = json!({ "ann4@aldermoor.example": "ann5@aldermoor.example", "ann5@aldermoor.example": "ann9@aldermoor.example" });
    let order = json!({ "action": "upn", "input": { "names": names } });
    let (run, done) = scene.run(&admin, order);
    assert_eq!(done, numbers(0, 0, 2));
    assert_eq!(scene.text("upn", 4), "ann4@aldermoor.example");
    // The one in the way goes; trying again looks at the names anew.
    let body =
        json!({ "upn": "ann3@alder.example", "mail": "ann3@alder.example", "keep_address": false });
    admin.api_patch(&format!("/users/{}", scene.anns[3]), body).expect(200);
    let again = admin.api_post(&format!("/runs/{run}/retry"), Value::Null).expect(202).json();
    assert_eq!(scene.finish(&admin, again["run_id"].as_i64().unwrap()), numbers(2, 0, 0));
    assert_eq!(scene.text("upn", 4), "ann5@aldermoor.example");
}

#[test]
fn names_follow_a_pattern_and_those_that_fit_stay() {
    let scene = with_domain(5);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    for (n, (first, last)) in
        [("Jane", "Doe"), ("Jane", "Doe"), ("Łukasz", "Żółć"), ("Ann", "Lee"), ("", "")]
            .iter()
            .enumerate()
    {
        let shown = if first.is_empty() { "小龍" } else { first };
        let body = json!({ "first_name": first, "last_name": last, "display_name": shown });
        admin.api_patch(&format!("/users/{}", scene.anns[n]), body).expect(200);
    }
    let body = json!({ "upn": "ann.lee@aldermoor.example", "mail": "ann3@aldermoor.example" });
    admin.api_patch(&format!("/users/{}", scene.anns[3]), body).expect(200);
    let order = scene.order("upn", json!({ "by": "pattern", "follow": false }));
    assert_eq!(scene.run(&admin, order).1, numbers(4, 1, 0));
    let upns: Vec<String> = (0..5).map(|n| scene.text("upn", n)).collect();
    assert_eq!(
        upns,
        [
            "jane.doe@aldermoor.example",
            "jane.doe2@aldermoor.example",
            "lukasz.zolc@aldermoor.example",
            "ann.lee@aldermoor.example",
            "user@aldermoor.example"
        ]
    );
    assert_eq!(scene.text("mail", 0), "ann0@aldermoor.example", "the primary address stayed");
    // A pattern of one's own, on another domain; the old names are let go.
    let input =
        json!({ "pattern": "{f}{last}", "domain": "@Alder.example", "keep_address": false });
    assert_eq!(scene.run(&admin, scene.order("upn", input)).1, numbers(5, 0, 0));
    assert_eq!(scene.names(1), "ann1@aldermoor.example jdoe2@alder.example");
}

#[test]
fn a_list_of_names_is_read_from_a_file_and_told_where_it_is_wrong() {
    let scene = with_domain(3);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let ua = scene.world.person(scene.home, "User administrator");
    let sh = scene.world.person(scene.home, "Service administrator");
    let order = |input: Value| json!({ "action": "upn", "input": input });
    for (input, said) in [
        (json!({}), "input.domain is required"),
        (json!({ "by": "names" }), "input.names is required"),
        (json!({ "by": "pattern", "pattern": "{x" }), "input.pattern has a { without its }"),
        (
            json!({ "names": { "nobody@x.example": "a@alder.example", "zoe@y.example": "b@alder.example" } }),
            "input.names has nobody’s sign-in name here: nobody@x.example, zoe@y.example",
        ),
        (
            json!({ "names": { "ann0@aldermoor.example": "ann0" } }),
            "input.names has no sign-in name for ann0@aldermoor.example",
        ),
        (json!({ "domain": "alder.example", "role": "x" }), "input.role is not a field here"),
    ] {
        let answer = ua.api_post(&scene.url(), order(input)).expect(422);
        let all = answer.complaints();
        assert!(all.iter().any(|each| each.starts_with(said)), "{said}: {all:?}");
    }
    let mut outside = order(json!({ "names": { "ann0@aldermoor.example": "a@alder.example" } }));
    outside["ids"] = json!([scene.anns[1]]);
    let said = ua.api_post(&scene.url(), outside).expect(422).complaints();
    assert_eq!(said, ["input.names has somebody who was not chosen: ann0@aldermoor.example"]);
    sh.api_post(&scene.url(), order(json!({ "domain": "alder.example" }))).expect(403);

    let file = b"UPN;NewUPN\r\nann0@aldermoor.example;first@alder.example\r\nANN1@aldermoor.example;x@elsewhere.example\r\n";
    let ids = scene.anns.iter().map(|id| ("ids", id.to_string())).collect::<Vec<_>>();
    let mut fields = vec![("action", "upn"), ("shown", "upn"), ("input.by", "names")];
    fields.extend(ids.iter().map(|(name, id)| (*name, id.as_str())));
    let page = admin.upload(&scene.url(), &fields, ("file", "names.csv", file)).expect(200);
    assert!(page.says("1 will change, 0 unchanged, 1 cannot."), "{}", page.body);
    assert!(page.says("must end in one of") && page.says("whoever is signed in is signed out"));
    let hidden = "input.names.ann0@aldermoor.example";
    assert!(page.says(hidden), "{}", page.body);
    fields.extend([(hidden, "first@alder.example"), ("go", "run"), ("input.keep_address", "1")]);
    let started = admin.post(&scene.url(), &fields);
    let run: i64 = started.location().trim_start_matches("/runs/").parse().unwrap();
    assert_eq!(scene.finish(&admin, run), numbers(1, 0, 0));
    assert_eq!(scene.text("upn", 0), "first@alder.example");
    let odd = admin.upload(
        &scene.url(),
        &fields[..3],
        ("file", "x.csv", b"UPN,Name\r\nann0@x.example,Ann\r\n"),
    );
    let odd = odd.expect(422);
    assert!(odd.says("File has no row with both UPN and NewUPN."), "{}", odd.body);

    // Another branch's people are nobody's here.
    let other = World::customer(&scene.world, PROVIDER, "Elsewhere");
    let stranger = scene.world.person(other, "User administrator");
    let theirs = order(json!({ "names": { "ann2@aldermoor.example": "a@elsewhere.example" } }));
    let said = stranger.api_post(&format!("/customers/{other}/users/bulk"), theirs).expect(422);
    assert!(said.says("nobody’s sign-in name here: ann2@aldermoor.example"), "{}", said.body);
}
