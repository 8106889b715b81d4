//! A restored store is the store that was backed up, also for those who look at its pages.

use crate::world::{PROVIDER, World};
use portico::backup::{self, Asked};
use portico::config::Config;
use portico::db::{By, Db, Via};
use portico::secret::Key;
use portico::web::{App, Request};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const KEEP: Asked = Asked { without_secrets: false };

fn config_of(world: &World) -> Config {
    world.app.config.clone()
}

/// The same house with another data directory and the same key.
fn elsewhere(world: &World, folder: &Path) -> Config {
    let mut config = config_of(world);
    config.data = folder.to_owned();
    config
}

fn api(app: &App, token: &str, path: &str) -> String {
    let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    app.handle(&Request::new("GET", path, headers, Vec::new(), address).unwrap()).text()
}

#[test]
fn a_restored_store_answers_the_same() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    for n in 0..30 {
        let customer = world.customer(reseller, &format!("Customer {n}"));
        world.user(customer, &format!("Ann {n}"), "ann");
    }
    let admin = world.person(PROVIDER, "Provider administrator");
    let file = world.folder().join("backup");
    let config = config_of(&world);
    let made = backup::create(&config.store(), &config.key, &file, world.now()).unwrap();
    assert_eq!((made.rows["customers"], made.installation.as_str()), (32, "Tarnholm IT"));

    let folder = tempfile::tempdir().unwrap();
    let there = elsewhere(&world, folder.path());
    let outcome = backup::restore(&there, &file, &KEEP, world.now(), |_| Ok(())).unwrap();
    assert_eq!((outcome.manifest, outcome.replaced), (made, None));
    let db = Db::open_with(there.store(), world.clock.clone()).unwrap();
    let app = App::with(db, there).unwrap();
    for path in
        ["/api/v1/customers?limit=200", "/api/v1/customers/2", "/api/v1/messages", "/api/v1/jobs"]
    {
        assert_eq!(api(&app, admin.token(), path), api(&world.app, admin.token(), path), "{path}");
    }
    let rows = |app: &App| portico::db::backup::rows(&app.config.store()).unwrap();
    let (mut now, mut before) = (rows(&app), rows(&world.app));
    for ended in ["sessions", "links", "audit_log"] {
        now.remove(ended);
        before.remove(ended);
    }
    assert_eq!(now, before);
    assert_eq!(rows(&app)["sessions"], 0, "everybody signs in anew");
}

#[test]
fn what_is_written_meanwhile_is_in_or_out_as_a_whole() {
    let world = World::new();
    let over = AtomicBool::new(false);
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let by = By::portico(Via::Shell);
            for n in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let pair = |tx: &portico::db::Write| {
                    for half in ["a", "b"] {
                        tx.run(
                            "INSERT INTO departments (customer_id, name) VALUES (1, ?1)",
                            [format!("{half}{n}")],
                        )?;
                    }
                    Ok(())
                };
                world.app.db.write(by, pair).unwrap();
            }
        });
        for n in 0..5 {
            let config = config_of(&world);
            let file = folder.path().join(n.to_string());
            let made = backup::create(&config.store(), &config.key, &file, world.now()).unwrap();
            assert_eq!(made.rows["departments"] % 2, 0);
            backup::check(&file, folder.path()).unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_present_store_is_kept_and_can_be_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new();
    let config = config_of(&world);
    let file = folder.path().join("early");
    backup::create(&config.store(), &config.key, &file, world.now()).unwrap();
    world.customer(PROVIDER, "Latecomer");

    let there = elsewhere(&world, folder.path());
    let late = folder.path().join("late");
    backup::create(&config.store(), &config.key, &late, world.now()).unwrap();
    backup::restore(&there, &late, &KEEP, world.now(), |_| Ok(())).unwrap();
    let customers = || portico::db::backup::rows(&there.store()).unwrap()["customers"];
    assert_eq!(customers(), 2);
    let kept =
        backup::restore(&there, &file, &KEEP, world.now(), |_| Ok(())).unwrap().replaced.unwrap();
    assert_eq!(customers(), 1);
    assert_eq!(portico::db::backup::rows(&kept.join("portico.db")).unwrap()["customers"], 2);
    let again = backup::restore(&there, &late, &KEEP, world.now(), |_| Ok(())).unwrap();
    assert_ne!(again.replaced.unwrap(), kept, "two replaced in one second");
    assert_eq!(customers(), 2);
    assert_eq!(left_over(folder.path()), [""; 0]);
}

#[test]
fn whatever_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new();
    let config = config_of(&world);
    let file = folder.path().join("backup");
    backup::create(&config.store(), &config.key, &file, world.now()).unwrap();
    let there = elsewhere(&world, folder.path());
    backup::restore(&there, &file, &KEEP, world.now(), |_| Ok(())).unwrap();
    let before = std::fs::read(there.store()).unwrap();
    let refused = |config: &Config, file: &Path| {
        let outcome = backup::restore(config, file, &KEEP, world.now(), |_| Ok(()));
        outcome.err().expect("it was taken").to_string()
    };

    let mut strange = there.clone();
    strange.key = Key::parse(&"cd".repeat(32)).unwrap();
    assert!(refused(&strange, &file).contains("are sealed with key"));

    std::fs::write(folder.path().join("torn"), &std::fs::read(&file).unwrap()[..4000]).unwrap();
    refused(&there, &folder.path().join("torn"));

    let unwilling = backup::restore(&there, &file, &KEEP, world.now(), |_| {
        Err(portico::error::Error::refused("Nothing was changed."))
    });
    assert!(unwilling.is_err());

    // A file where the folder of replaced stores should be: the last step cannot be made.
    std::fs::write(folder.path().join("replaced"), "").unwrap();
    refused(&there, &file);
    assert_eq!(std::fs::read(there.store()).unwrap(), before);
    assert_eq!(left_over(folder.path()), [""; 0]);
    backup::create(&there.store(), &there.key, &file, world.now()).unwrap_err();
    let nowhere = folder.path().join("none").join("backup");
    backup::create(&there.store(), &there.key, &nowhere, world.now()).unwrap_err();
}

#[test]
fn a_damaged_store_is_not_backed_up() {
    let world = World::new();
    world
        .sql()
        .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO departments (customer_id, name) VALUES (4711, 'Nowhere')")
        .unwrap();
    let config = config_of(&world);
    let file = world.folder().join("backup");
    let refusal = backup::create(&config.store(), &config.key, &file, world.now()).unwrap_err();
    assert!(
        refusal.to_string().starts_with("The store is damaged, so no backup was made"),
        "{refusal}"
    );
    assert!(!file.exists());
}

#[test]
fn secrets_of_another_key_are_left_out_on_demand() {
    let world = World::new();
    let config = config_of(&world);
    let by = By::portico(Via::Shell);
    let sealed =
        config.key.seal("setting mail_password", &portico::secret::Secret::new("hush")).unwrap();
    world
        .app
        .db
        .write(by, |tx| {
            tx.run(
                "INSERT INTO settings (key, value, changed_at) VALUES ('mail_password', ?1, ?2)",
                (&sealed, tx.now),
            )
        })
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    backup::create(&config.store(), &config.key, &file, world.now()).unwrap();
    assert!(!String::from_utf8_lossy(&std::fs::read(&file).unwrap()).contains("hush"));
    let mut there = elsewhere(&world, folder.path());
    there.key = Key::parse(&"cd".repeat(32)).unwrap();
    let asked = Asked { without_secrets: true };
    backup::restore(&there, &file, &asked, world.now(), |_| Ok(())).unwrap();
    let db = Db::open(there.store()).unwrap();
    let settings = db.read(|db| portico::settings::load(db, &there)).unwrap();
    assert!(settings.secret(&there.key, "mail_password").unwrap().is_none());
}

/// Folders that a backup or a restore should have taken away.
fn left_over(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.starts_with(".portico"))
        .collect()
}
