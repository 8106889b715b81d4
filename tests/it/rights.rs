//! Reach in random trees, against a walk that anybody understands.

use crate::world::{PROVIDER, World};
use portico::auth::{self, Door};
use portico::db::Via;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

type Tree = BTreeMap<i64, Option<i64>>;

fn is_below(tree: &Tree, customer: i64, above: i64) -> bool {
    let mut at = tree[&customer];
    while let Some(parent) = at {
        if parent == above {
            return true;
        }
        at = tree[&parent];
    }
    false
}

fn walked(tree: &Tree, code: i64) -> BTreeSet<i64> {
    let (at, bits) = (code / 4, code % 4);
    let within = |customer: &&i64| {
        (bits & 1 == 1 && **customer == at) || (bits & 2 == 2 && is_below(tree, **customer, at))
    };
    tree.keys().filter(within).copied().collect()
}

#[test]
fn reach_is_what_a_walk_through_the_tree_finds_after_any_move() {
    let world = World::new();
    let mut dice = Dice(7);
    let mut ids = vec![PROVIDER];
    for n in 0..24 {
        let parent = ids[dice.below(ids.len())];
        ids.push(world.customer(parent, &format!("C{n}")));
    }
    let sql = world.sql();
    for _ in 0..40 {
        let (moved, to) = (ids[1 + dice.below(ids.len() - 1)], ids[dice.below(ids.len())]);
        let _ = sql
            .execute("UPDATE customers SET parent_id = ?1 WHERE id = ?2 AND id <> ?1", (to, moved));
    }
    let mut tree = Tree::new();
    let mut rows = sql.prepare("SELECT id, parent_id FROM customers").unwrap();
    for row in rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap() {
        let (id, parent): (i64, Option<i64>) = row.unwrap();
        tree.insert(id, parent);
    }
    let reach = |codes: &[i64]| -> BTreeSet<i64> {
        let mut query = sql
            .prepare(
                "SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(?1))",
            )
            .unwrap();
        let codes = serde_json::to_string(codes).unwrap();
        query.query_map([codes], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for id in tree.keys() {
        for bits in 1..=3 {
            assert_eq!(reach(&[id * 4 + bits]), walked(&tree, id * 4 + bits), "{id} {bits}");
        }
    }
    let pairs: i64 = sql.query_row("SELECT count(*) FROM customer_tree", [], |r| r.get(0)).unwrap();
    let walked_pairs: usize = tree.keys().map(|id| walked(&tree, id * 4 + 3).len()).sum();
    assert_eq!(usize::try_from(pairs).unwrap(), walked_pairs);
    for _ in 0..400 {
        let mut code =
            || ids[dice.below(ids.len())].0 * 4 + 1 + i64::try_from(dice.below(3)).unwrap();
        let (a, b) = (code(), code());
        let both = world.app.db.read(|db| auth::intersect(db, &[a], &[b])).unwrap();
        let common: BTreeSet<i64> =
            walked(&tree, a).intersection(&walked(&tree, b)).copied().collect();
        assert!(reach(&both).is_subset(&common), "{a} {b}");
        assert!(!is_one(&tree, a, b) || reach(&both) == common, "{a} {b}: {both:?}");
    }
}

/// Rights compare as the customers they reach do, those to come among them: below each customer of a
/// tree hangs one more.
#[test]
fn one_right_covers_another_where_it_reaches_all_of_it() {
    let world = World::new();
    let mut dice = Dice(11);
    let mut ids = vec![PROVIDER];
    for n in 0..10 {
        let parent = ids[dice.below(ids.len())];
        ids.push(world.customer(parent, &format!("C{n}")));
    }
    let boss = world.person(PROVIDER, "Provider administrator");
    let admits = ["own", "below", "both"];
    let roles = admits.map(|reach| {
        let body = json!({ "name": format!("Reads {reach}"), "rights": { "users.read": reach } });
        boss.api_post("/customers/1/roles", body).expect(201).id()
    });
    let real = ids.clone();
    for (n, id) in real.iter().enumerate() {
        ids.push(world.customer(*id, &format!("Leaf{n}")));
    }
    let sql = world.sql();
    let mut tree = Tree::new();
    let mut rows = sql.prepare("SELECT id, parent_id FROM customers").unwrap();
    for row in rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap() {
        let (id, parent): (i64, Option<i64>) = row.unwrap();
        tree.insert(id, parent);
    }
    let holder = world.user(PROVIDER, "Holder", "holder");
    for _ in 0..60 {
        let (at, bits) = (real[dice.below(real.len())], 1 + dice.below(3));
        sql.execute("DELETE FROM role_grants WHERE user_id = ?1", [holder]).unwrap();
        sql.execute(
            "INSERT INTO role_grants (user_id, role_id, at_id, granted_at) VALUES (?1, ?2, ?3, '')",
            (holder, roles[bits - 1], at),
        )
        .unwrap();
        let held = at.0 * 4 + i64::try_from(bits).unwrap();
        for _ in 0..6 {
            let other =
                real[dice.below(real.len())].0 * 4 + 1 + i64::try_from(dice.below(3)).unwrap();
            let covered = world
                .app
                .db
                .read(|db| {
                    let actor = auth::actor(db, holder, Door::Job, Via::Job)?;
                    assert_eq!(actor.rights()["users.read"], [held]);
                    auth::covers(db, &actor, "users.read", other)
                })
                .unwrap();
            let within = walked(&tree, other).is_subset(&walked(&tree, held));
            assert_eq!(covered, within, "{held} covers {other}");
        }
    }
}

/// Whether one of the two lies wholly within the other, or both stand at one place.
fn is_one(tree: &Tree, a: i64, b: i64) -> bool {
    a / 4 == b / 4 || {
        let (x, y) = (walked(tree, a), walked(tree, b));
        x.is_subset(&y) || y.is_subset(&x)
    }
}

#[test]
fn two_administrators_who_take_each_others_role_at_once_leave_one() {
    let world = World::new();
    let first = world.person(PROVIDER, "Provider administrator");
    let second = world.person(PROVIDER, "Provider administrator");
    world.sql().execute("UPDATE users SET password_hash = 'x'", []).unwrap();
    let grant = |user: portico::ids::UserId| {
        world.count(&format!("SELECT id FROM role_grants WHERE user_id = {user}"))
    };
    let ways = [
        (&first, format!("/users/{}/roles/{}", second.id, grant(second.id))),
        (&second, format!("/users/{}/roles/{}", first.id, grant(first.id))),
    ];
    std::thread::scope(|scope| {
        for (who, at) in &ways {
            scope.spawn(move || who.api_delete(at));
        }
    });
    assert_eq!(world.count("SELECT count(*) FROM role_grants"), 1);
}
