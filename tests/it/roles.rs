//! Giving and taking roles: within reach, within one's own rights, never to oneself.

use crate::signin::with_password;
use crate::world::{Answer, PROVIDER, Person, World};
use portico::ids::UserId;
use serde_json::json;

fn give(who: &Person, user: UserId, role: &str) -> Answer {
    who.api_post(&format!("/users/{user}/roles"), json!({ "role": role }))
}

#[test]
fn a_role_is_given_and_taken_within_ones_own_rights() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let boss = world.person(alder, "Customer administrator");
    let helper = world.person_named(alder, "User administrator", "Helper", "helper");
    let plain = world.user(alder, "Plain", "plain");
    let refused = give(&helper, plain, "Customer administrator").expect(422);
    assert!(refused.says("contains rights that you do not have"), "{}", refused.body);
    assert!(
        give(&boss, plain, "Provider administrator").expect(422).says("is not allowed at Alder")
    );
    assert!(give(&boss, plain, "Reseller helpdesk").expect(422).says("it is not a reseller"));
    give(&boss, plain, "Wizard").expect(422);
    let signed_in = world.sign_in(plain);
    signed_in.get("/account").expect(200);
    let made = give(&boss, plain, "User administrator").expect(201).json();
    assert_eq!(signed_in.get("/account").status, 303, "the epoch rose");
    assert_eq!(
        give(&boss, plain, "User administrator").expect(422).complaints(),
        ["role is already held"]
    );
    signed_in.api_get(&format!("/users/{plain}/roles")).expect(200);
    assert!(give(&boss, boss.id, "Approver").expect(422).says("You cannot do this to yourself."));
    let stronger = give(&helper, boss.id, "User administrator").expect(403);
    assert!(stronger.says("holds rights that you do not have"));
    boss.api_delete(&format!("/users/{plain}/roles/{}", made["id"])).expect(204);
    signed_in.api_get(&format!("/users/{plain}/roles")).expect(403);
    assert_eq!(world.text("SELECT group_concat(action) FROM audit_log"), "role.granted,role.taken");
}

#[test]
fn nobody_of_another_branch_is_seen_or_touched() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let boss = world.person(alder, "Customer administrator");
    let other = world.person(birch, "Approver");
    let plain = world.user(alder, "Plain", "plain");
    let theirs = world.count(&format!("SELECT id FROM role_grants WHERE user_id = {}", other.id));
    boss.api_get(&format!("/users/{}/roles", other.id)).expect(404);
    boss.get(&format!("/users/{}/access", other.id)).expect(404);
    give(&boss, other.id, "Approver").expect(404);
    boss.api_delete(&format!("/users/{}/roles/{theirs}", other.id)).expect(404);
    boss.api_delete(&format!("/users/{plain}/roles/{theirs}")).expect(404);
    let there = json!({ "role": "Approver", "customer_id": birch.0 });
    boss.api_post(&format!("/users/{plain}/roles"), there).expect(404);
    assert_eq!(world.count("SELECT count(*) FROM role_grants WHERE at_id <> 1"), 2);
}

#[test]
fn the_last_provider_administrator_stays() {
    let world = World::new();
    let first = world.person(PROVIDER, "Provider administrator");
    let second = with_password(&world, PROVIDER, "second");
    let grant = give(&first, second, "Provider administrator").expect(201).id();
    let refused = first.api_delete(&format!("/users/{second}/roles/{grant}")).expect(422);
    assert!(
        refused.says("is the last administrator of Tarnholm IT who can sign in"),
        "{}",
        refused.body
    );
    let hash = world.text(&format!("SELECT password_hash FROM users WHERE id = {second}"));
    world
        .sql()
        .execute("UPDATE users SET password_hash = ?1 WHERE id = ?2", (hash, first.id))
        .unwrap();
    first.api_delete(&format!("/users/{second}/roles/{grant}")).expect(204);
}

#[test]
fn a_role_may_stand_elsewhere_and_end() {
    let world = World::new();
    let (alder, birch) = (world.customer(PROVIDER, "Alder"), world.customer(PROVIDER, "Birch"));
    let admin = world.person(PROVIDER, "Provider administrator");
    let maren = world.person(alder, "");
    let body = json!({ "role": "Customer administrator", "customer_id": birch.0, "until_on": "2026-03-12" });
    admin.api_post(&format!("/users/{}/roles", maren.id), body).expect(201);
    let there = world.user(birch, "There", "there");
    maren.api_get(&format!("/users/{there}/roles")).expect(200);
    maren.api_get(&format!("/users/{}/roles", maren.id)).expect(404);
    world.later(3 * 86_400);
    maren.api_get(&format!("/users/{there}/roles")).expect(403);
}

#[test]
fn the_pages_show_what_each_role_permits_and_offer_what_one_may_give() {
    let world = World::new();
    let alder = world.customer(PROVIDER, "Alder");
    let helper = world.person_named(alder, "User administrator", "Helper", "helper");
    let plain = world.user(alder, "Plain", "plain");
    assert!(helper.get("/roles").expect(200).says("Provider administrator"));
    let role = world.count("SELECT id FROM roles WHERE name = 'Customer helpdesk'");
    assert!(
        helper.get(&format!("/roles/{role}")).expect(200).says("Permissions of Customer helpdesk")
    );
    let page = helper.get(&format!("/users/{plain}/access")).expect(200);
    assert!(
        page.says("User administrator</option>") && !page.says("Customer administrator</option>")
    );
    let at = format!("/users/{plain}/roles");
    helper.post(&at, &[("role", "User administrator"), ("until_on", "")]).expect(303);
    helper.post(&at, &[("role", "User administrator")]).expect(422);
    let grant = world.count(&format!("SELECT id FROM role_grants WHERE user_id = {plain}"));
    helper.post(&format!("{at}/{grant}/take"), &[]).expect(303);
    assert_eq!(
        world.count(&format!("SELECT count(*) FROM role_grants WHERE user_id = {plain}")),
        0
    );
}
