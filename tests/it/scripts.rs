//! Scripts are run by real interpreters here, within limits short enough to wait for.

use portico::drivers::log::Log;
use portico::drivers::script::{self, Ceiling, Script};
use portico::drivers::{Call, Outcome};
use portico::secret::Secret;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder of scripts with one in it.
struct Folder {
    dir: TempDir,
    call: Call,
    ceiling: Ceiling,
}

impl Folder {
    fn with(interpreter: &str, text: &str) -> Folder {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("it.txt"), text).unwrap();
        let manifest = format!(
            "interpreter = [\"{interpreter}\"]\nfile = \"it.txt\"\nverbs = [\"create\"]\n\
             outputs = [\"mailbox\", \"text\"]\nsecrets = [\"api_key\"]\n"
        );
        fs::write(dir.path().join("it.toml"), manifest).unwrap();
        let ceiling = Ceiling { time: Duration::from_secs(20), grace: Duration::from_secs(1) };
        Folder { dir, call: call("create"), ceiling }
    }

    fn sh(text: &str) -> Folder {
        Folder::with("sh", text)
    }

    fn python(text: &str) -> Folder {
        Folder::with("python3", text)
    }

    fn seconds(mut self, seconds: u64) -> Folder {
        self.ceiling.time = Duration::from_secs(seconds);
        self
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn script(&self) -> Script {
        Script { dir: self.path().to_owned(), name: "it".into() }
    }

    fn run(&self) -> (Outcome, Log) {
        let enabled = script::digest(self.path(), "it").unwrap();
        script::run(&self.script(), &self.call, self.ceiling, &enabled)
    }

    fn outcome(&self) -> Outcome {
        self.run().0
    }
}

fn call(verb: &str) -> Call {
    Call {
        key: "portico-a1-77".into(),
        verb: verb.into(),
        dry_run: false,
        event: "user_service.create".into(),
        customer: json!({"id": 3, "code": "HELDER"}),
        user: json!({"id": 42, "upn": "mira.brandt@helder.example"}),
        service: json!({"code": "notes"}),
        props: Map::new(),
        secrets: BTreeMap::from([
            ("api_key".to_owned(), Secret::new("Tr0ub4dor&3/ü")),
            ("other".to_owned(), Secret::new("never-handed-out")),
        ]),
        previous: Value::Null,
        body: None,
    }
}

fn done(outcome: Outcome) -> portico::drivers::Answer {
    match outcome {
        Outcome::Done(answer) => answer,
        other => panic!("not done: {other:?}"),
    }
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { text } => text,
        other => panic!("not refused: {other:?}"),
    }
}

/// Numbers of living processes whose command line has `word` in it.
fn living(word: &str) -> Vec<String> {
    let alive = |pid: &String| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word) && !stat.contains(") Z ")
    };
    let entries = fs::read_dir("/proc").unwrap();
    let pids = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    pids.filter(|pid| pid.parse::<u32>().is_ok()).filter(alive).collect()
}

#[test]
fn a_script_reads_its_call_and_its_answer_is_kept() {
    let folder = Folder::python(
        "import json, sys\n\
         call = json.load(sys.stdin)\n\
         assert set(call) == set('version key verb dry_run event customer user service props \
         secrets previous'.split()), call\n\
         assert call['version'] == 1 and call['secrets'] == {'api_key': 'Tr0ub4dor&3/ü'}\n\
         print('made for', call['user']['upn'], file=sys.stderr)\n\
         json.dump({'message': 'made', 'outputs': {'mailbox': call['key'], 'x': 1}, \
         'changes': ['+ a mailbox'], 'warnings': ['nearly full']}, sys.stdout)\n",
    );
    let (outcome, log) = folder.run();
    let answer = done(outcome);
    assert_eq!(answer.message.as_deref(), Some("made"));
    assert_eq!(Value::from(answer.outputs), json!({"mailbox": "portico-a1-77"}));
    assert_eq!(answer.changes, ["+ a mailbox"]);
    let left_out = "The output x is not in its manifest and was left out.";
    assert_eq!(answer.warnings, ["nearly full", left_out]);
    assert_eq!(log.text(), "made for mira.brandt@helder.example\n+ a mailbox");
}

#[test]
fn the_exit_says_what_happened() {
    let with = |text: &str| Folder::sh(text).outcome();
    assert!(matches!(with("echo '{}'; exit 10"), Outcome::Already(_)));
    let later = with("echo '{\"message\":\"the mailbox moves\"}'; exit 20");
    assert_eq!(later, Outcome::Retry { after: None, text: "the mailbox moves".into() });
    assert_eq!(refusal(with("echo 'no licence left' >&2; exit 30")), "no licence left");
    let text = "It ended with 77: boom".to_owned();
    assert_eq!(
        with("exit 1"),
        Outcome::Unknown { text: "It ended with 1: it gave no reason.".into() }
    );
    assert_eq!(with("echo boom >&2; exit 77"), Outcome::Unknown { text });
    assert!(matches!(with("kill -9 $$"), Outcome::Unknown { text } if text.contains("signal 9")));
}

#[test]
fn an_answer_that_is_not_one_object_is_unknown() {
    for text in ["", "ok", "{} {}", "[]", r#"{"message":1}"#, r#"{"outputs":{},"status":"ok"}"#] {
        let outcome = Folder::sh(&format!("printf '%s' '{text}'")).outcome();
        assert!(
            matches!(&outcome, Outcome::Unknown { text } if text.contains("one JSON object")),
            "{text}: {outcome:?}"
        );
    }
}

#[test]
fn endless_output_is_stopped_and_endless_chatter_only_cut() {
    let began = Instant::now();
    let outcome = Folder::sh("yes").outcome();
    assert!(matches!(&outcome, Outcome::Unknown { text } if text.contains("256 KiB")));
    assert!(began.elapsed() < Duration::from_secs(60));

    let folder = Folder::sh("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo '{}'");
    let (outcome, log) = folder.run();
    done(outcome);
    assert!(log.text().len() <= 64 * 1024 && log.text().contains("not kept"));

    let (outcome, log) = Folder::sh("seq 5000 >&2; echo '{}'").run();
    done(outcome);
    assert_eq!(log.text().lines().count(), 1_000);
    assert!(log.text().contains("more lines"));
}

#[test]
fn a_large_call_that_nobody_reads_does_not_block() {
    let mut folder = Folder::sh("echo '{}'");
    folder.call.previous = Value::from("x".repeat(2_000_000));
    done(folder.outcome());
    let mut folder =
        Folder::sh("head -c 200000 /dev/zero | tr '\\0' ' '; cat >/dev/null; echo '{}'");
    folder.call.previous = Value::from("x".repeat(2_000_000));
    done(folder.outcome());
}

#[test]
fn memory_files_and_time_are_bounded() {
    let outcome =
        Folder::python("import sys\nsys.stdin.read()\nx = bytearray(2 << 30)\nprint('{}')")
            .outcome();
    assert!(matches!(&outcome, Outcome::Unknown { text } if text.contains("MemoryError")));

    let write = "cat >/dev/null; head -c 70000000 /dev/zero >big && echo '{}'";
    assert!(matches!(Folder::sh(write).outcome(), Outcome::Unknown { .. }));

    let limits =
        "cat >/dev/null; echo \"{\\\"message\\\":\\\"$(ulimit -v) $(ulimit -c) $(ulimit -n)\\\"}\"";
    let answer = done(Folder::sh(limits).outcome());
    assert_eq!(answer.message.as_deref(), Some("524288 0 256"));
}

#[test]
fn one_that_ignores_the_request_to_end_is_killed() {
    let began = Instant::now();
    let folder = Folder::sh("trap '' TERM; while :; do sleep 0.1; done").seconds(1);
    let outcome = folder.outcome();
    assert!(matches!(&outcome, Outcome::Retry { text, .. } if text.contains("time")));
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn one_that_hears_the_request_to_end_may_tidy_up() {
    let dir = TempDir::new().unwrap();
    let trace = dir.path().join("trace");
    let text = format!("trap 'echo tidy >{}; exit 0' TERM\nsleep 60 & wait", trace.display());
    let outcome = Folder::sh(&text).seconds(1).outcome();
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert_eq!(fs::read_to_string(trace).unwrap(), "tidy\n");
}

#[test]
fn nobody_is_left_behind() {
    let began = Instant::now();
    let background = Folder::sh("sleep 7001 & echo '{}'");
    done(background.outcome());
    assert!(living("7001").is_empty());
    // A new session leaves the group and holds the pipes.
    let session = Folder::sh("setsid sleep 7002 & sleep 0.2; echo '{}'");
    done(session.outcome());
    assert!(living("7002").is_empty());
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn many_processes_end_with_the_script() {
    let text = "cat >/dev/null; i=0; while [ $i -lt 200 ]; do sleep 7003 & i=$((i+1)); done; wait";
    let outcome = Folder::sh(text).seconds(3).outcome();
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    let deadline = Instant::now() + Duration::from_secs(5);
    while !living("7003").is_empty() {
        assert!(Instant::now() < deadline, "{:?}", living("7003"));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_fork_bomb_ends_with_its_time() {
    // It doubles every third of a second, so that the machine of the test bears it.
    let text = "cat >/dev/null; f() { while :; do f & sleep 0.3007004; done; }; f";
    let folder = Folder::sh(text).seconds(2);
    let outcome = folder.outcome();
    assert!(
        matches!(&outcome, Outcome::Retry { text, .. } if text.contains("time")),
        "{outcome:?}"
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    while !living("0.3007004").is_empty() {
        assert!(Instant::now() < deadline, "{:?}", living("0.3007004"));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn arguments_and_environment_are_nobodys_data() {
    let mut folder = Folder::python(
        "import json, os, sys\n\
         json.load(sys.stdin)\n\
         json.dump({'outputs': {'text': {'argv': sys.argv, \
         'cwd': os.getcwd(), 'files': os.listdir(), 'group': os.getpgrp() == os.getpid()}}}, \
         sys.stdout)\n",
    );
    let odd = "$(touch /tmp/x); `id` --help";
    folder.call.props = Map::from_iter([("title".to_owned(), Value::from(odd))]);
    let answer = done(folder.outcome());
    let text = &answer.outputs["text"];
    let path = folder.path().canonicalize().unwrap().join("it.txt");
    assert_eq!(text["argv"], json!([path]));
    assert_eq!(text["files"], json!([]));
    assert_eq!(text["group"], json!(true));
    let home = PathBuf::from(text["cwd"].as_str().unwrap());
    assert!(!home.exists(), "the folder is removed");

    // What it was started with, before anything set a variable of its own.
    let mut folder = Folder::sh("tr '\\0' '\\n' </proc/$$/environ >&2; echo '{}'");
    folder.call.props = Map::from_iter([("title".to_owned(), Value::from(odd))]);
    let (outcome, log) = folder.run();
    done(outcome);
    let text = log.text();
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH"], "{text}");
    assert!(!text.contains("mira") && !text.contains("touch"));
}

#[test]
fn no_secret_is_in_the_log_or_the_answer() {
    let (outcome, log) = Folder::python(
        "import base64, json, sys, urllib.parse\n\
         key = json.load(sys.stdin)['secrets']['api_key']\n\
         for before in ['', 'a', 'ab']:\n\
         \x20   print(base64.b64encode((before + key + 'z').encode()).decode(), file=sys.stderr)\n\
         print(key, urllib.parse.quote(key), json.dumps(key), file=sys.stderr)\n\
         print(json.dumps({'password': 'hunter2', 'n': 1}), file=sys.stderr)\n\
         print('Authorization: Bearer abcdef', file=sys.stderr)\n\
         json.dump({'message': 'used ' + key, 'outputs': {'text': 'k=' + key}}, sys.stdout)\n",
    )
    .run();
    let answer = done(outcome);
    assert_eq!(answer.message.as_deref(), Some("used ***"));
    assert!(answer.outputs.is_empty() && answer.warnings[0].contains("held a secret"));
    let text = log.text();
    for piece in ["Tr0ub", "dor", "VHIwdW", "RyMHVi", "cjB1Yj", "hunter2", "abcdef"] {
        assert!(!text.contains(piece), "{piece} in {text}");
    }
    assert!(text.contains("\"n\": 1"), "{text}");
}

#[test]
fn a_changed_byte_stops_it() {
    let folder = Folder::sh("echo '{}'");
    let enabled = script::digest(folder.path(), "it").unwrap();
    let run = || script::run(&folder.script(), &folder.call, folder.ceiling, &enabled).0;
    done(run());
    fs::write(folder.path().join("it.txt"), "echo '{}' ").unwrap();
    assert!(refusal(run()).contains("changed since it was enabled"));
    fs::write(folder.path().join("it.txt"), "echo '{}'").unwrap();
    done(run());
    let manifest = folder.path().join("it.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text + "\n").unwrap();
    assert!(refusal(run()).contains("changed since it was enabled"));
}

#[test]
fn only_regular_files_of_the_folder_are_scripts() {
    let folder = Folder::sh("echo '{}'");
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("x.sh"), "echo '{}'").unwrap();
    std::os::unix::fs::symlink(outside.path().join("x.sh"), folder.path().join("link.sh")).unwrap();
    fs::create_dir(folder.path().join("folder.sh")).unwrap();
    let files = ["link.sh", "folder.sh", "../x.sh", "/bin/sh", ".hidden", "", "absent.sh"];
    for file in files {
        let manifest = format!("interpreter = [\"sh\"]\nfile = \"{file}\"\nverbs = [\"create\"]\n");
        fs::write(folder.path().join("bad.toml"), manifest).unwrap();
        assert!(script::text(folder.path(), "bad").is_err(), "{file}");
    }
    for name in ["../it", "it/../it", "", "it\0", "ünder", "."] {
        assert!(script::text(folder.path(), name).is_err(), "{name}");
    }
    let listed = script::list(folder.path()).unwrap();
    let found: Vec<_> = listed.iter().map(|l| (l.name.as_str(), l.found.is_ok())).collect();
    assert_eq!(found, [("bad", false), ("it", true)]);
    assert!(script::list(&folder.path().join("nowhere")).unwrap().is_empty());
}

#[test]
fn what_the_manifest_asks_for_must_be_there() {
    let mut folder = Folder::sh("echo '{}'");
    folder.call.verb = "remove".into();
    assert_eq!(refusal(folder.outcome()), "It has no verb remove.");
    let mut folder = Folder::sh("echo '{}'");
    folder.call.secrets.clear();
    assert_eq!(refusal(folder.outcome()), "It needs the secret api_key.");
    let folder = Folder::with("no-such-interpreter", "echo '{}'");
    assert!(refusal(folder.outcome()).contains("cannot be started"));
    let manifest = folder.path().join("it.toml");
    for wrong in ["colour = 1", "[limits]\nseconds = 3601", "[limits]\nmemory_mib = 0"] {
        let text = format!("file = \"it.txt\"\nverbs = [\"create\"]\n{wrong}\n");
        fs::write(&manifest, text).unwrap();
        assert!(script::digest(folder.path(), "it").is_err(), "{wrong}");
    }
}

#[test]
fn it_runs_as_another_account_where_portico_may() {
    let folder = Folder::sh("echo \"{\\\"message\\\":\\\"$(id -un) $(stat -c %U .)\\\"}\"");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let manifest = folder.path().join("it.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("run_as = \"nobody\"\n{text}")).unwrap();
    // Whose a new folder is tells who we are.
    let root = fs::metadata(folder.path()).unwrap().uid() == 0;
    match folder.outcome() {
        Outcome::Done(answer) if root => assert_eq!(answer.message.unwrap(), "nobody nobody"),
        Outcome::Refused { text } if !root => assert!(text.contains("as nobody"), "{text}"),
        other => panic!("{other:?}"),
    }
    fs::write(&manifest, format!("run_as = \"no-such-account\"\n{text}")).unwrap();
    assert!(refusal(folder.outcome()).contains("no account no-such-account"));
}

#[test]
fn the_samples_do_their_work_once() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scripts");
    let folder = TempDir::new().unwrap();
    let run = |name: &str, verb: &str, prop: (&str, &Path), dry_run: bool| {
        let enabled = script::digest(&samples, name).unwrap();
        let mut call = call(verb);
        call.dry_run = dry_run;
        call.props = Map::from_iter([(prop.0.to_owned(), json!(prop.1))]);
        let script = Script { dir: samples.clone(), name: name.into() };
        script::run(&script, &call, Ceiling::default(), &enabled).0
    };
    let note = folder.path().join("user-42.json");
    let notes = |verb, dry_run| run("notes", verb, ("folder", folder.path()), dry_run);
    refusal(notes("suspend", false));
    done(notes("create", true));
    assert!(!note.exists());
    let answer = done(notes("create", false));
    assert_eq!(answer.outputs["note"], json!(note));
    assert!(matches!(notes("create", false), Outcome::Already(_)));
    done(notes("suspend", false));
    assert!(fs::read_to_string(&note).unwrap().contains("suspended"));
    done(notes("remove", false));
    assert!(matches!(notes("remove", false), Outcome::Already(_)));
    assert!(!note.exists());

    let file = folder.path().join("journal");
    let journal = |dry_run| run("journal", "create", ("file", &file), dry_run);
    done(journal(true));
    assert!(!file.exists());
    assert_eq!(done(journal(false)).outputs["line"], "portico-a1-77 create");
    assert!(matches!(journal(false), Outcome::Already(_)));
    assert_eq!(fs::read_to_string(file).unwrap(), "portico-a1-77 create\n");
    assert_eq!(script::list(&samples).unwrap().len(), 2);
}
