//! The examination. It reads and never repairs; what cannot be looked at is a finding too.

use super::{Disk, Finding, Verdict, disk, store};
use crate::config::Config;
use crate::connectors::call::place;
use crate::db::{Db, SCHEMA_VERSION, backup as copy};
use crate::drivers::script;
use crate::error::{Error, Result};
use crate::ledger;
use crate::offers::recount;
use crate::settings::{self, Settings};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A check by its name.
type Check<T> = (&'static str, fn(&T) -> Result<Finding>);

/// Looks at everything, in the order in which people should look at it.
pub fn examine(db: &Db, config: &Config) -> Vec<Finding> {
    let mut findings = of_files(config);
    match db.read(|db| settings::load(db, config)) {
        Ok(settings) => findings.extend(of_settings(db, config, &settings)),
        Err(err) => findings.push(cannot("settings", &err)),
    }
    findings.extend(of_work(db));
    findings.push(credentials(db, config).unwrap_or_else(|err| cannot("credentials", &err)));
    findings.push(scripts(db, config).unwrap_or_else(|err| cannot("scripts", &err)));
    findings
}

/// What can be said without opening the store for use: also of one that cannot be opened.
pub fn of_files(config: &Config) -> Vec<Finding> {
    let path = config.store();
    let checks: [Check<Path>; 3] = [("store", whole), ("schema", schema), ("log", log_size)];
    let mut findings: Vec<Finding> = checks
        .into_iter()
        .map(|(name, check)| check(&path).unwrap_or_else(|err| cannot(name, &err)))
        .collect();
    findings.push(directory(&config.data).unwrap_or_else(|err| cannot("directory", &err)));
    findings.push(key_file(config).unwrap_or_else(|err| cannot("key", &err)));
    findings.push(disk(&config.data).map_or_else(|err| cannot("disk", &err), |disk| room(&disk)));
    findings
}

fn whole(path: &Path) -> Result<Finding> {
    let complaints = copy::complaints(path, false)?;
    let bytes = std::fs::metadata(path)?.len();
    Ok(match complaints.as_slice() {
        [] => ok("store", format!("whole, {} MB", bytes >> 20)),
        broken => fail(
            "store",
            format!("damaged: {}", broken.join("; ")),
            "Stop Portico, keep a copy of the data directory, and restore the newest backup.",
        ),
    })
}

fn schema(path: &Path) -> Result<Finding> {
    let version = copy::version(path)?;
    if usize::try_from(version) != Ok(SCHEMA_VERSION) {
        let text = format!("the store is of schema {version}, this program is of {SCHEMA_VERSION}");
        return Ok(fail(
            "schema",
            text,
            "Start the program that belongs to the store; a newer one brings it up to date.",
        ));
    }
    let differences = copy::schema_differences(path)?;
    Ok(match differences.as_slice() {
        [] => ok("schema", format!("version {version}, as in the program")),
        other => fail(
            "schema",
            other.join("; "),
            "Somebody changed the store by hand. Undo that, or restore the newest backup.",
        ),
    })
}

fn log_size(path: &Path) -> Result<Finding> {
    let log = path.with_file_name("portico.db-wal");
    let bytes = std::fs::metadata(log).map_or(0, |about| about.len());
    Ok(if bytes > 1 << 30 {
        warn(
            "log",
            format!("the write-ahead log has {} MB", bytes >> 20),
            "Look for a program that holds the store open, like a shell or a copy that hangs, and end it.",
        )
    } else {
        ok("log", format!("{} MB", bytes >> 20))
    })
}

fn directory(data: &Path) -> Result<Finding> {
    let mode = std::fs::metadata(data)?.permissions().mode() & 0o777;
    let shown = data.display();
    Ok(if mode & 0o022 != 0 {
        fail("directory", format!("others can write to {shown}"), &format!("chmod 700 {shown}"))
    } else if mode & 0o055 != 0 {
        warn("directory", format!("others can look into {shown}"), &format!("chmod 700 {shown}"))
    } else {
        ok("directory", format!("{shown} is ours alone"))
    })
}

fn key_file(config: &Config) -> Result<Finding> {
    let path = config.data.join("key");
    let about = match std::fs::metadata(&path) {
        Ok(about) => about,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
            return Ok(ok(
                "key",
                format!("{} was given, and lies not beside the store", config.key.fingerprint()),
            ));
        }
        Err(err) => return Err(err.into()),
    };
    Ok(if about.permissions().mode() & 0o077 != 0 {
        fail(
            "key",
            format!("others can read {}", path.display()),
            &format!("chmod 600 {}", path.display()),
        )
    } else {
        ok(
            "key",
            format!(
                "{}; keep a copy elsewhere, a backup does not hold it",
                config.key.fingerprint()
            ),
        )
    })
}

fn room(disk: &Disk) -> Finding {
    let text = format!("{} MB free, {} %", disk.free >> 20, disk.percent());
    if disk.is_full() {
        fail("disk", text, "Make room: below 500 MB or 5 % Portico says it is not ready.")
    } else if disk.free < 5 << 30 || disk.percent() < 10 {
        warn("disk", text, "Make room before it is short: a backup needs as much as the store.")
    } else {
        ok("disk", text)
    }
}

fn of_settings(db: &Db, config: &Config, settings: &Settings) -> Vec<Finding> {
    if !settings.set_up {
        return vec![warn(
            "set-up",
            "nobody has set Portico up".into(),
            "Open the address that portico serve printed, or use portico init.",
        )];
    }
    vec![
        ok("set-up", settings.organisation.clone()),
        secrets(config, settings),
        address(settings),
        mail(db, settings).unwrap_or_else(|err| cannot("mail", &err)),
        administrators(db).unwrap_or_else(|err| cannot("administrators", &err)),
    ]
}

fn secrets(config: &Config, settings: &Settings) -> Finding {
    match settings.secret(&config.key, "mail_password") {
        Ok(_) => ok("secrets", "open with the key".into()),
        Err(_) => fail(
            "secrets",
            "were sealed with another key".into(),
            "Give that key with PORTICO_KEY_FILE, or enter the secrets again on the settings page.",
        ),
    }
}

fn address(settings: &Settings) -> Finding {
    let base = settings.base_url.as_str();
    let near = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
    if base.is_empty() {
        warn(
            "address",
            "the address of this installation is not set, so mails hold no links".into(),
            "Set it on the settings page or with PORTICO_BASE_URL.",
        )
    } else if base.starts_with("https://") || near.iter().any(|start| base.starts_with(start)) {
        ok("address", base.to_owned())
    } else {
        warn(
            "address",
            format!("{base} is not https"),
            "Give Portico a certificate with PORTICO_TLS_CERT and PORTICO_TLS_KEY, or put a proxy with one before it.",
        )
    }
}

fn mail(db: &Db, settings: &Settings) -> Result<Finding> {
    let waiting = db.read(|db| store::waiting_mails(db, db.now.plus_days(-1)))?;
    Ok(match (settings.get("mail_host"), waiting) {
        ("", _) => warn(
            "mail",
            format!("there is no mail server; {waiting} mails wait over a day"),
            "Set one on the settings page.",
        ),
        (host, 0) => ok("mail", format!("{host}, nothing waits over a day")),
        (host, _) => warn(
            "mail",
            format!("{waiting} mails wait over a day for {host}"),
            "Look at what the server answers, on the page Mail.",
        ),
    })
}

fn administrators(db: &Db) -> Result<Finding> {
    Ok(match db.read(store::administrators)? {
        0 => fail(
            "administrators",
            "nobody can sign in as Provider administrator".into(),
            "portico admin list shows who there is.",
        ),
        1 => warn(
            "administrators",
            "one person only is Provider administrator".into(),
            "Give the role to a second person, so that one can be away.",
        ),
        many => ok("administrators", format!("{many} people")),
    })
}

fn of_work(db: &Db) -> Vec<Finding> {
    let checks: [Check<Db>; 5] = [
        ("ledger", replay),
        ("counters", counters),
        ("requests", requests),
        ("jobs", jobs),
        ("tokens", tokens),
    ];
    checks
        .into_iter()
        .map(|(name, check)| check(db).unwrap_or_else(|err| cannot(name, &err)))
        .collect()
}

fn replay(db: &Db) -> Result<Finding> {
    let wrong = ledger::check(db)?;
    Ok(if wrong.is_empty() {
        ok("ledger", "its spans are as its rows say".into())
    } else {
        fail(
            "ledger",
            wrong.join("; "),
            "portico doctor --repair makes the spans anew. Where a row cannot follow the one before it, \
             somebody wrote into the store by hand: restore a backup.",
        )
    })
}

fn counters(db: &Db) -> Result<Finding> {
    let wrong = recount::check(db)?;
    Ok(if wrong.is_empty() {
        ok("counters", "seats and instances are as counted".into())
    } else {
        fail(
            "counters",
            wrong.join("; "),
            "portico doctor --repair puts them right; the job Counters does so every night.",
        )
    })
}

fn requests(db: &Db) -> Result<Finding> {
    let ((overdue, first), oldest) =
        db.read(|db| Ok((store::overdue_requests(db)?, store::oldest_waiting(db)?)))?;
    if let (1.., Some(first)) = (overdue, first) {
        return Ok(fail(
            "requests",
            format!("{overdue} should have ended and have not, the first is {first}"),
            "Restart Portico. If they stay, retry or cancel them on their pages.",
        ));
    }
    Ok(match oldest {
        Some(since) if db.now().since(since) > super::SLOW_SECONDS => warn(
            "requests",
            "work waits for over an hour".into(),
            "Look at the page Requests for a connector that is slow or down.",
        ),
        _ => ok("requests", "nothing is stuck".into()),
    })
}

fn jobs(db: &Db) -> Result<Finding> {
    let (late, failing) = db.read(|db| {
        Ok((store::late_jobs(db, db.now.plus_seconds(-3600))?, store::failing_jobs(db)?))
    })?;
    Ok(if !failing.is_empty() {
        warn(
            "jobs",
            format!("the last run failed: {}", failing.join(", ")),
            "Its page under Jobs says why.",
        )
    } else if !late.is_empty() {
        warn(
            "jobs",
            format!("over an hour late: {}", late.join(", ")),
            "Jobs run while portico serve runs.",
        )
    } else {
        ok("jobs", "none is late or failing".into())
    })
}

fn tokens(db: &Db) -> Result<Finding> {
    Ok(match db.read(|db| store::idle_tokens(db, db.now.plus_days(-90)))? {
        0 => ok("tokens", "none lies unused".into()),
        idle => warn("tokens", format!("{idle} unused for 90 days"), "Revoke what nobody needs."),
    })
}

fn credentials(db: &Db, config: &Config) -> Result<Finding> {
    let all = db.read(store::credentials)?;
    let opens = |id, texts: &[String]| {
        texts.iter().all(|sealed| config.key.open(&place(id), sealed).is_ok())
    };
    let shut = all.iter().filter(|(id, _, texts)| !opens(*id, texts));
    let shut: Vec<&str> = shut.map(|(_, name, _)| name.as_str()).collect();
    Ok(if shut.is_empty() {
        ok("credentials", format!("{} open with the key", all.len()))
    } else {
        fail(
            "credentials",
            format!("were sealed with another key: {}", shut.join(", ")),
            "Give that key with PORTICO_KEY_FILE, or rotate these secrets on their connectors' pages.",
        )
    })
}

fn scripts(db: &Db, config: &Config) -> Result<Finding> {
    let enabled = db.read(store::scripts)?;
    let changed = enabled.iter().filter(|(name, digest)| {
        script::digest(&config.scripts, name).map_or(true, |now| now != *digest)
    });
    let changed: Vec<&str> = changed.map(|(name, _)| name.as_str()).collect();
    Ok(if changed.is_empty() {
        ok("scripts", format!("{} enabled, as they were read", enabled.len()))
    } else {
        warn(
            "scripts",
            format!("changed or gone since they were enabled: {}", changed.join(", ")),
            "Read and enable them again, or put back what was there. Until then their steps wait.",
        )
    })
}

fn ok(check: &'static str, text: String) -> Finding {
    Finding { check, verdict: Verdict::Ok, text, fix: String::new() }
}

fn warn(check: &'static str, text: String, fix: &str) -> Finding {
    Finding { check, verdict: Verdict::Warn, text, fix: fix.to_owned() }
}

fn fail(check: &'static str, text: String, fix: &str) -> Finding {
    Finding { check, verdict: Verdict::Fail, text, fix: fix.to_owned() }
}

fn cannot(check: &'static str, err: &Error) -> Finding {
    fail(
        check,
        format!("cannot be looked at: {err}"),
        "See to what the text names, then look again.",
    )
}
