//! A spreadsheet of ten thousand users into one customer of a store that has many: checked, written, and
//! once more with nothing to do.

use crate::goals::{Goals, short};
use crate::machine::{Peak, Times};
use crate::store::{RESELLER, Shape, Store, config, named, sql};
use crate::words::Dice;
use portico::auth::{self, Door};
use portico::db::Via;
use portico::ids::{CustomerId, UserId};
use portico::many::import::import_users;
use portico::web::App;

const ROWS: usize = 10_000;

pub fn users(goals: &mut Goals) {
    let store = Store::of(Shape::of(110_000));
    let folder = store.copy("import");
    drop(store);
    let who = sql(&folder.join("portico.db"))
        .query_row("SELECT id FROM users WHERE upn GLOB ?1", [named("provider")], |row| row.get(0))
        .map(UserId)
        .unwrap();
    let app = App::start(config(&folder)).unwrap();
    let actor = app.db.read(|db| auth::actor(db, who, Door::Session, Via::Page)).unwrap();
    let sheet = sheet();
    let peak = Peak::watch(std::process::id());
    let before = crate::machine::resident(std::process::id());
    let import = |dry_run| {
        let (mut work, mut clock) = (Times::default(), Times::default());
        let report = work.both(&mut clock, || {
            import_users(&app.db, &actor, CustomerId(RESELLER), sheet.as_bytes(), dry_run).unwrap()
        });
        (report, work.middle() / 1e3, clock.middle() / 1e3)
    };
    let took = |goals: &mut Goals, what: &str, limit, work, clock| {
        let what = format!("{what} {ROWS} users: processor time ({} s by the clock)", short(clock));
        goals.at_most(&what, limit, " s", work);
    };
    let (checked, work, clock) = import(true);
    assert_eq!((checked.created, checked.refused), (ROWS, 0));
    took(goals, "checking", 3.0, work, clock);
    let (written, work, clock) = import(false);
    assert_eq!((written.created, written.refused), (ROWS, 0));
    took(goals, "writing", 10.0, work, clock);
    let (same, work, clock) = import(false);
    assert_eq!((same.unchanged, same.updated), (ROWS, 0));
    took(goals, "the same file again,", 3.0, work, clock);
    let grown = peak.end() - before;
    goals.at_most("memory for it, three reports included", 64.0, " MiB", grown);
    let _ = std::fs::remove_dir_all(folder);
}

/// As an export of another system would be, with managers that come before those whom they manage.
fn sheet() -> String {
    let mut dice = Dice::new(5);
    let mut sheet = String::from(
        "User principal name,First name,Last name,Display name,Department,Title,City,Mobile phone,Manager\n",
    );
    for n in 0..ROWS {
        let (first, last) = (dice.first_name(), dice.last_name());
        let manager = if n < 100 { String::new() } else { format!("import{}@c2.example", n / 100) };
        sheet += &format!(
            "import{n}@c2.example,{first},{last},{first} {last},Department {},Clerk,Amsterdam,+31 20 555 {:04},{manager}\n",
            n % 12,
            n % 10_000,
        );
    }
    sheet
}
