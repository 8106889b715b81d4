//! SQLite: one writer, many readers, and a type for each, so that a signature says which it needs.
//!
//! Writers share commits: whoever finds others waiting leaves the transaction open for them, and all
//! of them answer only after the one commit that holds their work. Each after the first has a
//! savepoint of its own, so that one failing takes nobody along.

mod migrate;
pub mod backup;
pub mod finds;

pub use migrate::SCHEMA_VERSION;

use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::time::{Clock, Instant};
use parking_lot::{Condvar, Mutex, ReentrantMutex};
use rusqlite::config::DbConfig;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Params, Row};
use std::cell::{Cell, RefCell};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;
use unicode_normalization::UnicodeNormalization;

/// Jobs that may share one commit.
const BATCH: u32 = 64;
/// Connections to read with, at most, for each processor: each keeps a schema and statements of its own.
const READERS: usize = 4;
/// Of each of them, in KiB as SQLite wants it: negative.
const READER_CACHE: i64 = -2048;

words! {
    /// The door a change came in by.
    Via { Page = "page", Api = "api", Engine = "engine", Job = "job", Shell = "shell", Link = "link" }
}

/// Who answers for a change: a person, or Portico itself (`None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    pub user: Option<UserId>,
    pub via: Via,
    /// In whose name, where somebody acts as another.
    pub acting_for: Option<UserId>,
}

impl By {
    pub fn portico(via: Via) -> By {
        By { user: None, via, acting_for: None }
    }
}

/// Something to be woken by when work has been committed for it.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<u64>,
    bell: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        *self.rung.lock() += 1;
        self.bell.notify_all();
    }

    /// Waits until it has rung since `seen`, or for `at_most`; returns what to pass next time.
    pub fn wait(&self, seen: u64, at_most: Duration) -> u64 {
        let mut rung = self.rung.lock();
        if *rung == seen {
            let _ = self.bell.wait_for(&mut rung, at_most);
        }
        *rung
    }
}

/// Who is woken after a commit.
#[derive(Default)]
pub struct Bells {
    pub engine: Bell,
    pub mail: Bell,
    pub runs: Bell,
}

words! {
    /// The worker a change has made work for.
    Work { Requests = "requests", Mail = "mail", Runs = "runs" }
}

pub struct Db {
    path: PathBuf,
    pub clock: Clock,
    pub bells: Bells,
    writer: ReentrantMutex<Writer>,
    /// Threads that will take the writer next, so that a commit can be left to them.
    waiting: AtomicUsize,
    readers: Mutex<Readers>,
    reader_free: Condvar,
    most_readers: usize,
}

struct Writer {
    conn: Connection,
    depth: Cell<u32>,
    jobs: Cell<u32>,
    batch: RefCell<Option<Arc<Batch>>>,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    open: usize,
}

/// The fate of the commit that several writers share.
#[derive(Default)]
struct Batch {
    outcome: Mutex<Option<Result<(), String>>>,
    decided: Condvar,
    work: Mutex<Vec<Work>>,
}

thread_local! {
    /// Readers that the thread has.
    static READING: Cell<u32> = const { Cell::new(0) };
    /// Statements that the thread has run.
    static STATEMENTS: Cell<u64> = const { Cell::new(0) };
}

/// How many statements this thread has run so far: what a list takes of them must not grow with it.
pub fn statements() -> u64 {
    STATEMENTS.get()
}

/// Sets the depth back, also after a panic.
struct Back<'w>(&'w Cell<u32>, u32);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// A connection to read with; one moment of the store for as long as it is held.
pub struct Read<'c> {
    conn: &'c Connection,
    /// The instant of the look or of the transaction, the same for every row it writes.
    pub now: Instant,
}

/// An open write transaction: all of it is kept, or none.
pub struct Write<'c> {
    read: Read<'c>,
    /// Who answers for the change.
    pub by: By,
    work: &'c Mutex<Vec<Work>>,
}

impl Db {
    /// Opens the store, makes it if the file is new, and brings an older one up to date.
    pub fn open(path: impl AsRef<Path>) -> Result<Db> {
        Db::open_with(path, Clock::default())
    }

    pub fn open_with(path: impl AsRef<Path>, clock: Clock) -> Result<Db> {
        let path = path.as_ref().to_owned();
        let mut conn = connect(&path)?;
        migrate::bring_up_to_date(&mut conn, &path)?;
        // What is kept to take a savepoint back stays in memory: it is cut off as each row's ends.
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        let writer =
            Writer { conn, depth: Cell::new(0), jobs: Cell::new(0), batch: RefCell::new(None) };
        Ok(Db {
            path,
            clock,
            bells: Bells::default(),
            writer: ReentrantMutex::new(writer),
            waiting: AtomicUsize::new(0),
            readers: Mutex::default(),
            reader_free: Condvar::new(),
            most_readers: available_parallelism().map_or(1, NonZero::get).clamp(2, 8) * READERS,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How many may look at the store at once; others wait.
    pub fn most_readers(&self) -> usize {
        self.most_readers
    }

    /// Reads one moment of the store. Inside [`Db::write`] it sees what was written so far.
    pub fn read<T>(&self, f: impl FnOnce(&Read) -> Result<T>) -> Result<T> {
        if self.writer.is_owned_by_current_thread() {
            let writer = self.writer.lock();
            if writer.depth.get() > 0 {
                return f(&Read { conn: &writer.conn, now: self.now() });
            }
        }
        let held = READING.get();
        let conn = self.reader(held > 0)?;
        READING.set(held + 1);
        let out = catch_unwind(AssertUnwindSafe(|| {
            conn.execute_batch("BEGIN")?;
            let out = f(&Read { conn: &conn, now: self.now() });
            conn.execute_batch("COMMIT")?;
            out
        }));
        READING.set(held);
        match out {
            Ok(out) => {
                self.give_back(Some(conn));
                out
            }
            Err(panic) => {
                self.give_back(None);
                resume_unwind(panic)
            }
        }
    }

    /// Runs `f` in a transaction that commits if it returns `Ok` and rolls back if it does not.
    /// Called within another's `f`, it is part of that one's transaction.
    pub fn write<T>(&self, by: By, f: impl FnOnce(&Write) -> Result<T>) -> Result<T> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let writer = self.writer.lock();
        let others = self.waiting.fetch_sub(1, Ordering::AcqRel) - 1;
        if writer.depth.get() > 0 {
            let batch = writer.batch.borrow().clone().ok_or_else(|| Error::internal("no batch"))?;
            return self.job(&writer, &batch, by, f)?;
        }
        let open = writer.batch.borrow().clone();
        let (batch, first) = match open {
            Some(batch) => (batch, false),
            None => (self.begin(&writer)?, true),
        };
        writer.jobs.set(writer.jobs.get() + 1);
        let out = catch_unwind(AssertUnwindSafe(|| match first {
            true => Ok(self.inside(&writer, &batch, by, f)),
            false => self.job(&writer, &batch, by, f),
        }));
        if first && !matches!(out, Ok(Ok(Ok(_)))) {
            // Nobody shares it yet.
            let back = self.take_back(&writer);
            drop(writer);
            let out = out.unwrap_or_else(|panic| resume_unwind(panic));
            back?;
            return out?;
        }
        if others == 0 || writer.jobs.get() >= BATCH {
            self.commit(&writer, &batch);
        }
        drop(writer);
        let out = out.unwrap_or_else(|panic| {
            batch.wait().ok();
            resume_unwind(panic)
        })?;
        if out.is_ok() {
            batch.wait().map_err(Error::internal)?;
        }
        out
    }

    /// Runs `f` in a transaction that is taken back whatever it says: to see what it would do.
    pub fn rehearse<T>(&self, by: By, f: impl FnOnce(&Write) -> Result<T>) -> Result<T> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let writer = self.writer.lock();
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        if writer.depth.get() > 0 {
            return Err(Error::internal("a rehearsal within a transaction"));
        }
        // Others may have left their commit to whoever comes next.
        let open = writer.batch.borrow().clone();
        if let Some(open) = open {
            self.commit(&writer, &open);
        }
        let batch = self.begin(&writer)?;
        let out = catch_unwind(AssertUnwindSafe(|| self.inside(&writer, &batch, by, f)));
        let back = self.take_back(&writer);
        drop(writer);
        back?;
        out.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn begin(&self, writer: &Writer) -> Result<Arc<Batch>> {
        writer.conn.execute_batch("BEGIN IMMEDIATE")?;
        let batch = Arc::new(Batch::default());
        *writer.batch.borrow_mut() = Some(batch.clone());
        Ok(batch)
    }

    /// Ends the transaction with nothing kept.
    fn take_back(&self, writer: &Writer) -> Result<()> {
        *writer.batch.borrow_mut() = None;
        writer.jobs.set(0);
        // SQLite may have ended it by itself, when the disk was full.
        if !writer.conn.is_autocommit() {
            writer.conn.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    /// One job inside the open transaction. The outer result is the machinery's, the inner `f`'s.
    fn job<T>(
        &self,
        writer: &Writer,
        batch: &Batch,
        by: By,
        f: impl FnOnce(&Write) -> Result<T>,
    ) -> Result<Result<T>> {
        let name = format!("job{}", writer.depth.get());
        writer.conn.execute_batch(&format!("SAVEPOINT {name}"))?;
        let out = catch_unwind(AssertUnwindSafe(|| self.inside(writer, batch, by, f)));
        let end = match &out {
            Ok(Ok(_)) => format!("RELEASE {name}"),
            _ => format!("ROLLBACK TO {name}; RELEASE {name}"),
        };
        writer.conn.execute_batch(&end)?;
        match out {
            Ok(out) => Ok(out),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn inside<T>(
        &self,
        writer: &Writer,
        batch: &Batch,
        by: By,
        f: impl FnOnce(&Write) -> Result<T>,
    ) -> Result<T> {
        let depth = writer.depth.get();
        let back = Back(&writer.depth, depth);
        writer.depth.set(depth + 1);
        let out =
            f(&Write { read: Read { conn: &writer.conn, now: self.now() }, by, work: &batch.work });
        drop(back);
        out
    }

    fn commit(&self, writer: &Writer, batch: &Batch) {
        let outcome = writer.conn.execute_batch("COMMIT").map_err(|err| err.to_string());
        if outcome.is_err() && !writer.conn.is_autocommit() {
            let _ = writer.conn.execute_batch("ROLLBACK");
        }
        *writer.batch.borrow_mut() = None;
        writer.jobs.set(0);
        if outcome.is_ok() {
            for work in batch.work.lock().drain(..) {
                match work {
                    Work::Requests => self.bells.engine.ring(),
                    Work::Mail => self.bells.mail.ring(),
                    Work::Runs => self.bells.runs.ring(),
                }
            }
        }
        *batch.outcome.lock() = Some(outcome);
        batch.decided.notify_all();
    }

    /// Whether the writer can be had within `time`.
    pub fn can_write_within(&self, time: Duration) -> bool {
        self.writer.try_lock_for(time).is_some()
    }

    /// Whoever has one already does not wait for a second: all could be held by such.
    fn reader(&self, nested: bool) -> Result<Connection> {
        let mut readers = self.readers.lock();
        loop {
            if let Some(conn) = readers.idle.pop() {
                return Ok(conn);
            }
            if readers.open < self.most_readers || nested {
                readers.open += 1;
                drop(readers);
                let opened = connect(&self.path).and_then(|conn| {
                    conn.pragma_update(None, "query_only", true)?;
                    conn.pragma_update(None, "cache_size", READER_CACHE)?;
                    Ok(conn)
                });
                if opened.is_err() {
                    self.give_back(None);
                }
                return opened;
            }
            self.reader_free.wait(&mut readers);
        }
    }

    fn give_back(&self, conn: Option<Connection>) {
        let mut readers = self.readers.lock();
        match conn {
            Some(conn) if readers.open <= self.most_readers => readers.idle.push(conn),
            _ => readers.open -= 1,
        }
        drop(readers);
        self.reader_free.notify_one();
    }
}

impl Batch {
    fn wait(&self) -> Result<(), String> {
        let mut outcome = self.outcome.lock();
        while outcome.is_none() {
            self.decided.wait(&mut outcome);
        }
        outcome.clone().unwrap_or(Ok(()))
    }
}

impl Read<'_> {
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        STATEMENTS.set(STATEMENTS.get().wrapping_add(1));
        Ok(self.conn.prepare_cached(sql)?)
    }

    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self.prepare(sql)?.query_map(params, row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Hands over each row as it comes, for more rows than should be in memory at once.
    pub fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut row: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(found) = rows.next()? {
            row(found)?;
        }
        Ok(())
    }

    /// The one row there must be: none is `NotFound`.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.maybe(sql, params, row)?.ok_or(Error::NotFound)
    }

    pub fn maybe<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.prepare(sql)?.query_row(params, row).optional()?)
    }

    /// The first column of the first row, which there must be.
    pub fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T> {
        self.one(sql, params, |row| row.get(0))
    }
}

impl Write<'_> {
    /// The same transaction, with somebody else to answer for what follows: what one person ordered
    /// and another let go.
    pub fn on_behalf(&self, by: By) -> Write<'_> {
        let read = Read { conn: self.read.conn, now: self.read.now };
        Write { read, by, work: self.work }
    }

    /// Runs one `INSERT … RETURNING`, `UPDATE … RETURNING` or `DELETE … RETURNING` that must touch
    /// exactly one row: none is `NotFound`.
    pub fn change<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T> {
        self.read.one(sql, params, |row| row.get(0))
    }

    /// Runs a statement that may touch any number of rows; says how many.
    pub fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.read.prepare(sql)?.execute(params)?)
    }

    /// Wakes a worker once this is committed.
    pub fn wake(&self, work: Work) {
        let mut all = self.work.lock();
        if !all.contains(&work) {
            all.push(work);
        }
    }
}

impl<'c> std::ops::Deref for Write<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}

/// Turns a broken UNIQUE constraint into a complaint about `field`.
pub fn unique<T>(result: Result<T>, field: &'static str, message: &str) -> Result<T> {
    result.map_err(|err| match broken_unique(&err) {
        Some(_) => Error::invalid(field, message),
        None => err,
    })
}

/// What SQLite says of a broken UNIQUE or PRIMARY KEY: `customers.code`, or `index 'name'`.
pub fn broken_unique(err: &Error) -> Option<&str> {
    let Error::Internal(cause) = err else { return None };
    match cause.downcast_ref::<rusqlite::Error>()? {
        rusqlite::Error::SqliteFailure(code, text) => {
            let broken = [
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE,
                rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
            ];
            broken
                .contains(&code.extended_code)
                .then(|| text.as_deref().unwrap_or(""))
                .map(|text| text.strip_prefix("UNIQUE constraint failed: ").unwrap_or(text))
        }
        _ => None,
    }
}

/// A MATCH for the trigram tables that finds `text` inside, to be rechecked with LIKE; `None` when
/// it is too short for a trigram and a prefix has to do.
pub fn trigrams(text: &str) -> Option<String> {
    let parts = trigram_parts(text);
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

/// The parts of that, each once.
pub fn trigram_parts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.to_lowercase().nfc().filter(|c| !c.is_control()).take(64).collect();
    let quoted =
        |three: &[char]| format!("\"{}\"", three.iter().collect::<String>().replace('"', "\"\""));
    let mut parts: Vec<String> = Vec::new();
    for part in chars.windows(3).map(quoted) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// A LIKE pattern (`ESCAPE '\'`) that finds `text` anywhere.
pub fn containing(text: &str) -> String {
    format!("%{}%", escape_like(text))
}

/// A LIKE pattern (`ESCAPE '\'`) that finds what begins with `text`.
pub fn beginning(text: &str) -> String {
    format!("{}%", escape_like(text))
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that opens connections")]
fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;
         PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF;
         PRAGMA secure_delete = ON;", // what is erased is gone from the file too
    )?;
    // A plan is chosen once, not anew for each value that is bound.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(256);
    finds::teach(&conn)?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(folder.path().join("portico.db")).unwrap();
        (folder, db)
    }

    const SHELL: By = By { user: None, via: Via::Shell, acting_for: None };

    fn set(tx: &Write, key: &str) -> Result<usize> {
        tx.run("INSERT INTO settings (key, value, changed_at) VALUES (?1, '', ?2)", (key, tx.now))
    }

    fn count(db: &Db) -> i64 {
        db.read(|r| r.value("SELECT count(*) FROM settings", [])).unwrap()
    }

    #[test]
    fn writers_share_commits_and_fail_alone() {
        let (_folder, db) = store();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let db = &db;
                scope.spawn(move || {
                    for n in 0..20 {
                        let out = db.write(SHELL, |tx| {
                            set(tx, &format!("{thread}.{n}"))?;
                            if n % 5 == 0 { Err(Error::NotFound) } else { Ok(()) }
                        });
                        assert_eq!(out.is_ok(), n % 5 != 0);
                    }
                });
            }
        });
        assert_eq!(count(&db), 8 * 16);
    }

    #[test]
    fn an_operation_inside_another_is_part_of_it() {
        let (_folder, db) = store();
        let out: Result<()> = db.write(SHELL, |tx| {
            set(tx, "outer")?;
            db.write(SHELL, |tx| set(tx, "inner"))?;
            let refused: Result<()> = db.write(SHELL, |tx| {
                set(tx, "undone")?;
                Err(Error::NotFound)
            });
            assert!(refused.is_err());
            assert_eq!(count(&db), 2, "reads inside see what was written");
            Err(Error::NotFound)
        });
        assert!(out.is_err());
        assert_eq!(count(&db), 0);
    }

    #[test]
    fn a_panic_rolls_back_and_leaves_the_writer_working() {
        let (_folder, db) = store();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            db.write(SHELL, |tx| -> Result<()> {
                set(tx, "lost")?;
                panic!("on purpose")
            })
        }));
        assert!(panicked.is_err());
        db.write(SHELL, |tx| set(tx, "kept")).unwrap();
        assert_eq!(count(&db), 1);
    }

    #[test]
    fn a_rehearsal_sees_what_it_does_and_leaves_nothing() {
        let (_folder, db) = store();
        db.write(SHELL, |tx| set(tx, "kept")).unwrap();
        let version = || db.read(|r| r.value::<i64>("PRAGMA data_version", [])).unwrap();
        let before = version();
        let seen: i64 = db
            .rehearse(SHELL, |tx| {
                set(tx, "tried")?;
                db.write(SHELL, |tx| set(tx, "inside"))?;
                tx.value("SELECT count(*) FROM settings", [])
            })
            .unwrap();
        assert_eq!((seen, count(&db), version()), (3, 1, before));
        db.write(SHELL, |tx| set(tx, "after")).unwrap();
        assert_eq!(count(&db), 2, "the writer goes on");
    }

    #[test]
    fn readers_cannot_write() {
        let (_folder, db) = store();
        let out = db.read(|r| {
            r.maybe(
                "INSERT INTO settings (key, value, changed_at) VALUES ('a', '', '') RETURNING 1",
                [],
                |_| Ok(()),
            )
        });
        assert!(out.is_err());
    }

    #[test]
    fn a_look_within_a_look_waits_for_no_reader() {
        let (_folder, db) = store();
        let nested = |n: usize| {
            let mut look: Box<dyn Fn() -> Result<()>> = Box::new(|| Ok(()));
            for _ in 0..n {
                let (db, inner) = (&db, look);
                look = Box::new(move || db.read(|_| inner()));
            }
            look()
        };
        nested(db.most_readers * 2).unwrap();
        assert!(db.readers.lock().open <= db.most_readers);
    }

    #[test]
    fn search_text_is_data() {
        assert_eq!(trigrams("a\"b").unwrap(), "\"a\"\"b\"");
        assert_eq!(trigrams("Alder").unwrap(), "\"ald\" AND \"lde\" AND \"der\"");
        assert_eq!(trigrams("ab"), None);
        assert_eq!(containing("50%_"), "%50\\%\\_%");
    }
}
