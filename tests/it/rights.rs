//! Reach in random trees, against a walk that anybody understands.

use crate::world::{PROVIDER, World};
use portico::auth::permissions::{ALL, FURTHER, SHIPPED, admits, is_per_service, rights_of};
use portico::auth::{self, Admits, Door};
use portico::db::Via;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

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
        assert_eq!(reach(&both), common, "{a} {b}: {both:?}");
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

/// Several roles at several places: what they are worth together, what they cover, and what two
/// people who hold some each have in common.
#[test]
fn rights_of_many_roles_are_those_of_each_put_together() {
    let world = World::new();
    let mut dice = Dice(23);
    let mut real = vec![PROVIDER];
    for n in 0..10 {
        let parent = real[dice.below(real.len())];
        real.push(world.customer(parent, &format!("C{n}")));
    }
    for (n, id) in real.clone().iter().enumerate() {
        world.customer(*id, &format!("Leaf{n}"));
    }
    let sql = world.sql();
    // Which permission a role gives, and how far it reaches: 1 own, 2 below, 3 both.
    let permissions = ["users.read", "customers.disable", "roles.read"];
    let mut roles = Vec::new();
    for permission in permissions {
        for bits in 1..=3 {
            sql.execute(
                "INSERT INTO roles (customer_id, name) VALUES (1, ?1)",
                [format!("{permission} {bits}")],
            )
            .unwrap();
            let role = sql.last_insert_rowid();
            let right = "INSERT INTO role_rights (role_id, permission, reach) VALUES (?1, ?2, ?3)";
            sql.execute(right, (role, permission, bits)).unwrap();
            roles.push((role, permission, bits));
        }
    }
    let mut tree = Tree::new();
    let mut rows = sql.prepare("SELECT id, parent_id FROM customers").unwrap();
    for row in rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap() {
        let (id, parent): (i64, Option<i64>) = row.unwrap();
        tree.insert(id, parent);
    }
    let union = |codes: &[i64]| -> BTreeSet<i64> {
        codes.iter().flat_map(|code| walked(&tree, *code)).collect()
    };
    let people = ["one", "two"].map(|name| world.user(PROVIDER, name, name));
    for _ in 0..40 {
        sql.execute("DELETE FROM role_grants", []).unwrap();
        let mut given = [(); 2].map(|()| BTreeMap::<&str, BTreeMap<i64, i64>>::new());
        for (person, given) in people.iter().zip(&mut given) {
            for _ in 0..2 + dice.below(6) {
                let ((role, permission, bits), at) =
                    (roles[dice.below(roles.len())], real[dice.below(real.len())]);
                let grant = "INSERT OR IGNORE INTO role_grants (user_id, role_id, at_id, granted_at) VALUES (?1, ?2, ?3, '')";
                sql.execute(grant, (person, role, at)).unwrap();
                // Disabling customers is not for the own one, whatever a role says.
                let bits = if permission == "customers.disable" { bits & 2 } else { bits };
                if bits > 0 {
                    *given.entry(permission).or_default().entry(at.0).or_default() |= bits;
                }
            }
        }
        world
            .app
            .db
            .read(|db| {
                let [a, b] = people.map(|user| auth::actor(db, user, Door::Job, Via::Job));
                let (a, b) = (a?, b?);
                for permission in permissions {
                    let held = |n: usize| -> Vec<i64> {
                        let all = given[n].get(permission);
                        all.into_iter().flatten().map(|(at, bits)| at * 4 + bits).collect()
                    };
                    let worth = |actor: &auth::Actor| {
                        let mut codes = actor.rights().get(permission).cloned().unwrap_or_default();
                        codes.sort_unstable();
                        codes
                    };
                    assert_eq!((worth(&a), worth(&b)), (held(0), held(1)), "{permission}");
                    let common = auth::intersect(db, &held(0), &held(1))?;
                    let both: BTreeSet<i64> =
                        union(&held(0)).intersection(&union(&held(1))).copied().collect();
                    assert_eq!(union(&common), both, "{permission}: {:?} {:?}", held(0), held(1));
                    for _ in 0..6 {
                        let at = real[dice.below(real.len())].0;
                        let other = at * 4 + 1 + i64::try_from(dice.below(3)).unwrap();
                        let within = held(0)
                            .iter()
                            .any(|code| walked(&tree, other).is_subset(&walked(&tree, *code)));
                        let covered = auth::covers(db, &a, permission, other)?;
                        assert_eq!(covered, within, "{permission} {:?} covers {other}", held(0));
                    }
                }
                Ok(())
            })
            .unwrap();
    }
}

/// A change to what a shipped role may do, or to what a permission admits, shows as a change to this
/// text, in review.
#[test]
fn shipped_roles_are_as_agreed() {
    let mut table = String::from("permission admits");
    SHIPPED.iter().for_each(|role| write!(table, " {}", role.column).unwrap());
    table.push('\n');
    for (permission, admits) in ALL {
        let admits = match admits {
            Admits::OwnAndBelow => "OB",
            Admits::Below => "B",
            Admits::Provider => "P",
            Admits::Oneself => "S",
        };
        let star = if is_per_service(permission) { "*" } else { "" };
        write!(table, "{permission}{star} {admits}").unwrap();
        for role in SHIPPED {
            let rights = rights_of(role.column);
            let bits =
                rights.iter().find(|(name, _)| name == permission).map_or(0, |(_, bits)| *bits);
            write!(table, " {}", [".", "o", "b", "+"][usize::try_from(bits).unwrap()]).unwrap();
        }
        table.push('\n');
    }
    for role in SHIPPED.iter().chain(FURTHER) {
        let factor = if role.requires_factor { ", second factor" } else { "" };
        write!(
            table,
            "{} {}: held in {}, allowed {}{factor}",
            role.column, role.name, role.held_in, role.allowed
        )
        .unwrap();
        role.includes.iter().for_each(|part| write!(table, ", {part}").unwrap());
        if !SHIPPED.iter().any(|each| each.column == role.column) {
            rights_of(role.column)
                .iter()
                .for_each(|(name, bits)| write!(table, ", {name} {bits}").unwrap());
        }
        table.push('\n');
    }
    if std::env::var_os("RENEW_GOLDEN").is_some() {
        std::fs::write("tests/it/roles.txt", &table).unwrap();
    }
    let agreed = std::fs::read_to_string("tests/it/roles.txt").unwrap_or_default();
    assert!(
        table == agreed,
        "roles differ from tests/it/roles.txt; RENEW_GOLDEN=1 writes it anew:\n{table}"
    );
    // What the text says is what the store ships.
    let world = World::new();
    for role in SHIPPED.iter().chain(FURTHER) {
        let kept = world.texts(&format!(
            "SELECT permission || ' ' || reach FROM role_rights
               JOIN roles ON roles.id = role_id AND customer_id IS NULL WHERE name = '{}'",
            role.name
        ));
        let rights = rights_of(role.column);
        for (permission, bits) in &rights {
            let bits = if admits(permission) == Some(Admits::Oneself) { 1 } else { *bits };
            let found = kept.iter().any(|each| each.starts_with(&format!("{permission} ")));
            assert!(found, "{} lacks {permission} {bits}: {kept:?}", role.name);
        }
        assert_eq!(kept.len(), rights.len(), "{}: {kept:?}", role.name);
    }
}

/// What belongs to the whole installation is in nobody's role but the provider's.
#[test]
fn what_is_provider_wide_reaches_no_customer_by_any_role() {
    let world = World::new();
    let north = world.reseller("North");
    let boss = world.person(north, "Reseller administrator");
    for (permission, admits) in ALL {
        let body = |reach: &str| json!({ "name": "Wide", "rights": { *permission: reach } });
        let said = |reach: &str| {
            let refused =
                boss.api_post(&format!("/customers/{north}/roles"), body(reach)).expect(422);
            refused.complaints().join(" ")
        };
        match admits {
            Admits::Provider => assert!(
                ["own", "below", "both"]
                    .iter()
                    .all(|reach| said(reach).contains("reach must be one of own, below")),
                "{permission}"
            ),
            Admits::Below => {
                assert!(said("own").contains("reach must be one of below"), "{permission}")
            }
            _ => assert!(said("everywhere").contains("reach must be one of"), "{permission}"),
        }
    }
    assert_eq!(world.count("SELECT count(*) FROM roles WHERE name = 'Wide'"), 0);
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
