//! A script that somebody with a shell put into the folder of scripts, with a manifest beside it.
//! It runs only while both are, byte for byte, what was enabled. No shell is involved, and what
//! people typed reaches it as JSON on its input, never as an argument or in the environment.

use crate::drivers::child::{self, Captured, End, Finished, Limits};
use crate::drivers::log::Log;
use crate::drivers::mask::Mask;
use crate::drivers::{Answer, Call, Outcome, shown};
use crate::error::{Error, Result};
use crate::secret::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A file of this size is no script.
const SIZE: u64 = 1024 * 1024;

pub struct Script {
    /// The folder all scripts are in.
    pub dir: PathBuf,
    /// The manifest is `NAME.toml`.
    pub name: String,
}

/// What the manifest says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// For people who choose one.
    #[serde(default)]
    pub description: String,
    /// The program and its arguments, before the path; none if the file is a program itself.
    #[serde(default)]
    pub interpreter: Vec<String>,
    /// The script, in the same folder.
    pub file: String,
    pub verbs: Vec<String>,
    /// Properties it cannot do without.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// What it may answer in `outputs`.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Whether it only says what it would do where `dry_run` is true.
    #[serde(default)]
    pub dry_run: bool,
    /// Secrets it is given.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The account it runs as, where Portico may change that.
    pub run_as: Option<String>,
    #[serde(default)]
    pub limits: Ask,
}

/// What a script needs.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// At most 3,600.
    pub seconds: u32,
    /// At most 8,192.
    pub memory_mib: u32,
}

impl Default for Ask {
    fn default() -> Ask {
        Ask { seconds: 300, memory_mib: 512 }
    }
}

/// A ceiling over what manifests ask for.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    pub time: Duration,
    /// Between the request to end and KILL.
    pub grace: Duration,
}

impl Default for Ceiling {
    fn default() -> Ceiling {
        Ceiling { time: Duration::from_secs(3_600), grace: Duration::from_secs(10) }
    }
}

/// A script as whoever enables it reads it.
pub struct Text {
    pub manifest: Manifest,
    pub manifest_text: String,
    pub script_text: String,
    /// SHA-256 over both, in hex.
    pub digest: String,
}

/// One of the folder's scripts, or what is wrong with it.
pub struct Listed {
    pub name: String,
    pub found: Result<Text>,
}

/// All scripts of the folder by name. There is none where there is no folder.
pub fn list(dir: &Path) -> Result<Vec<Listed>> {
    let entries = match fs::read_dir(dir) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let file = entry?.file_name();
        names.extend(file.to_str().and_then(|f| f.strip_suffix(".toml")).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names.into_iter().map(|name| Listed { found: text(dir, &name), name }).collect())
}

/// What the two files are now, as one SHA-256.
pub fn digest(dir: &Path, name: &str) -> Result<String> {
    Ok(text(dir, name)?.digest)
}

pub fn text(dir: &Path, name: &str) -> Result<Text> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        return Err(Error::invalid("script", "has a name of letters, digits, - and _"));
    }
    let manifest_text = read(dir, &format!("{name}.toml"))?;
    let manifest: Manifest = toml::from_str(&manifest_text).map_err(|err| {
        Error::refused(format!("{name}.toml cannot be read: {}", err.to_string().trim()))
    })?;
    manifest.check()?;
    let script_text = read(dir, &manifest.file)?;
    let mut hash = Sha256::new();
    // With its length first no byte can change sides.
    hash.update(u64::try_from(manifest_text.len()).map_err(Error::internal)?.to_be_bytes());
    hash.update(&manifest_text);
    hash.update(&script_text);
    let digest = hex(&hash.finalize());
    Ok(Text { manifest, manifest_text, script_text, digest })
}

impl Manifest {
    fn check(&self) -> Result<()> {
        if self.verbs.is_empty() {
            return Err(Error::refused("verbs names at least one verb."));
        }
        if !(1..=3_600).contains(&self.limits.seconds) {
            return Err(Error::refused("limits.seconds is 1 to 3600."));
        }
        if !(16..=8_192).contains(&self.limits.memory_mib) {
            return Err(Error::refused("limits.memory_mib is 16 to 8192."));
        }
        if self.interpreter.iter().any(|word| word.is_empty() || word.contains('\0')) {
            return Err(Error::refused("interpreter has an empty word."));
        }
        Ok(())
    }
}

/// The file, if it is one of that folder itself.
fn locate(dir: &Path, file: &str) -> Result<PathBuf> {
    let plain = !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', '\0']);
    if !plain {
        return Err(Error::refused(format!("“{file}” is not the name of a file in the folder.")));
    }
    let missing = |_| Error::refused(format!("There is no file {file}."));
    let folder = dir.canonicalize().map_err(missing)?;
    let path = folder.join(file).canonicalize().map_err(missing)?;
    if !path.starts_with(&folder) {
        return Err(Error::refused(format!("{file} is a link out of the folder of scripts.")));
    }
    let about = fs::metadata(&path)?;
    if !about.is_file() {
        return Err(Error::refused(format!("{file} is not a regular file.")));
    }
    if about.len() > SIZE {
        return Err(Error::refused(format!("{file} is longer than 1 MiB.")));
    }
    Ok(path)
}

fn read(dir: &Path, file: &str) -> Result<String> {
    let bytes = fs::read(locate(dir, file)?)?;
    String::from_utf8(bytes).map_err(|_| Error::refused(format!("{file} is not UTF-8 text.")))
}

/// Runs it once. `enabled` is the digest of what was enabled.
pub fn run(script: &Script, call: &Call, ceiling: Ceiling, enabled: &str) -> (Outcome, Log) {
    let mask = Mask::new(call.secrets.values());
    let mut log = Log::new(mask.clone());
    let outcome = match prepare(script, call, enabled) {
        Ok(manifest) => match start(script, &manifest, call, ceiling) {
            Ok(finished) => outcome(&manifest, finished, &mask, &mut log),
            Err(err) => not_started(&err),
        },
        Err(err) => Outcome::Refused { text: shown(&err.to_string(), &mask) },
    };
    match &outcome {
        Outcome::Retry { text, .. } | Outcome::Unknown { text } | Outcome::Refused { text } => {
            log.add(text);
        }
        Outcome::Done(_) | Outcome::Already(_) | Outcome::Waits { .. } => {}
    }
    (outcome, log)
}

/// Where a program is missing it stays missing; a full disk or process table may not stay full.
fn not_started(err: &Error) -> Outcome {
    let text = format!("It cannot be started, or its interpreter: {err}");
    let kind = match err {
        Error::Internal(cause) => cause.downcast_ref::<std::io::Error>().map(|io| io.kind()),
        _ => return Outcome::Refused { text },
    };
    match kind {
        Some(ErrorKind::NotFound | ErrorKind::PermissionDenied) => Outcome::Refused { text },
        _ => Outcome::Retry { after: None, text },
    }
}

fn prepare(script: &Script, call: &Call, enabled: &str) -> Result<Manifest> {
    let now = text(&script.dir, &script.name)?;
    if now.digest != enabled {
        return Err(Error::refused(format!(
            "The script {} has changed since it was enabled.",
            script.name
        )));
    }
    let manifest = now.manifest;
    if !manifest.verbs.contains(&call.verb) {
        return Err(Error::refused(format!("It has no verb {}.", call.verb)));
    }
    if let Some(input) = manifest.inputs.iter().find(|input| !call.props.contains_key(*input)) {
        return Err(Error::refused(format!("It needs the property {input}.")));
    }
    if let Some(secret) = manifest.secrets.iter().find(|name| !call.secrets.contains_key(*name)) {
        return Err(Error::refused(format!("It needs the secret {secret}.")));
    }
    Ok(manifest)
}

fn start(script: &Script, manifest: &Manifest, call: &Call, ceiling: Ceiling) -> Result<Finished> {
    let path = locate(&script.dir, &manifest.file)?;
    let home = tempfile::Builder::new()
        .prefix("portico-script-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir()?;
    let folder = home.path().canonicalize()?;
    let mut command = match manifest.interpreter.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(&path);
            command
        }
        None => Command::new(&path),
    };
    let paths = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    command.env_clear().env("PATH", paths).env("LANG", "C.UTF-8").env("HOME", &folder);
    command.current_dir(&folder);
    if let Some(name) = &manifest.run_as {
        let (user, group) = account(name)?;
        chown(&folder, Some(user), Some(group))
            .map_err(|_| Error::refused(format!("Portico may not run anything as {name}.")))?;
        command.uid(user).gid(group);
    }
    let limits = Limits {
        time: ceiling.time.min(Duration::from_secs(manifest.limits.seconds.into())),
        grace: ceiling.grace,
        memory: u64::from(manifest.limits.memory_mib).saturating_mul(1024 * 1024),
        file: 64 * 1024 * 1024,
        files: 256,
        processes: 1_024,
        stdout: 256 * 1024,
        stderr: 64 * 1024,
    };
    let input = call.document(&manifest.secrets).to_string();
    Ok(child::run(command, input.as_bytes(), &limits, &folder)?)
}

/// The numbers of an account of this machine.
fn account(name: &str) -> Result<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    let numbers = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let user = fields.nth(1)?.parse().ok()?;
        Some((user, fields.next()?.parse().ok()?))
    });
    numbers.ok_or_else(|| Error::refused(format!("This machine has no account {name}.")))
}

fn outcome(manifest: &Manifest, finished: Finished, mask: &Mask, log: &mut Log) -> Outcome {
    let Finished { end, stdout, stderr } = finished;
    add(log, &stderr);
    let answer = if stdout.cut {
        Err("it printed more than 256 KiB".to_owned())
    } else {
        serde_json::from_slice::<Answer>(&stdout.bytes)
            .map_err(|err| format!("what it printed is not the one JSON object expected: {err}"))
    };
    // Words of its own come first, then the last it said in the log.
    let message = answer.as_ref().ok().and_then(|answer| answer.message.clone());
    let last = || {
        let said = mask.text(&String::from_utf8_lossy(&stderr.bytes));
        said.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
    };
    let why = |otherwise: &str| {
        let text = message.clone().or_else(|| if stderr.cut { None } else { last() });
        shown(&text.unwrap_or_else(|| otherwise.to_owned()), mask)
    };
    match end {
        End::Exit(code @ (0 | 10)) => match answer {
            Ok(answer) => {
                let answer = declared(answer, manifest).cleaned(mask);
                for change in &answer.changes {
                    log.add(change);
                }
                if code == 0 { Outcome::Done(answer) } else { Outcome::Already(answer) }
            }
            Err(text) => {
                add(log, &stdout);
                Outcome::Unknown { text: shown(&format!("It ended well, but {text}"), mask) }
            }
        },
        End::Exit(20) => Outcome::Retry { after: None, text: why("It asks for a later attempt.") },
        End::Exit(30) => Outcome::Refused { text: why("It refused without a reason.") },
        End::Exit(code) => Outcome::Unknown {
            text: format!("It ended with {code}: {}", why("it gave no reason.")),
        },
        End::Signal(signal) => {
            Outcome::Unknown { text: format!("It was ended by signal {signal}.") }
        }
        End::Time => Outcome::Retry {
            after: None,
            text: "It did not end in its time and was stopped.".into(),
        },
        End::Output => {
            Outcome::Unknown { text: "It printed more than 256 KiB and was stopped.".into() }
        }
        End::Stuck => Outcome::Unknown { text: "It could not be stopped.".into() },
    }
}

fn add(log: &mut Log, said: &Captured) {
    let text = String::from_utf8_lossy(&said.bytes);
    if said.cut { log.add_cut(&text) } else { log.add(&text) }
}

/// Outputs that the manifest does not name have no place to go to.
fn declared(mut answer: Answer, manifest: &Manifest) -> Answer {
    let (kept, strange) = std::mem::take(&mut answer.outputs)
        .into_iter()
        .partition(|(name, _)| manifest.outputs.contains(name));
    answer.outputs = kept;
    let strange: serde_json::Map<_, _> = strange;
    let warning = |name| format!("The output {name} is not in its manifest and was left out.");
    answer.warnings.extend(strange.keys().map(warning));
    answer
}
