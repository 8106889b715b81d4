//! Archives that nobody honest wrote.

use super::*;
use crate::db::Db;
use crate::secret::Key;
use crate::time::Clock;
use std::path::PathBuf;

struct Bench {
    folder: tempfile::TempDir,
    manifest: Manifest,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("portico.db");
        drop(Db::open(&store).unwrap());
        let copy = folder.path().join("copy.db");
        crate::db::backup::snapshot(&store, &copy).unwrap();
        let key = Key::parse(&"ab".repeat(32)).unwrap();
        let manifest = Manifest::of(&copy, &key, Clock::default().now()).unwrap();
        Bench { folder, manifest }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Vec<u8> {
        std::fs::read(self.path("copy.db")).unwrap()
    }

    fn text(&self) -> Vec<u8> {
        serde_json::to_vec(&self.manifest).unwrap()
    }

    /// What reading an archive of these entries says.
    fn says(&self, entries: &[(&[u8], tar::EntryType, u64, &[u8])]) -> String {
        let mut packed = Vec::new();
        for (name, kind, size, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_entry_type(*kind);
            header.set_size(*size);
            header.set_mode(0o600);
            header.set_cksum();
            packed.extend(header.as_bytes());
            packed.extend(*bytes);
            packed.resize(packed.len().next_multiple_of(512), 0);
        }
        packed.resize(packed.len() + 1024, 0);
        self.says_of(&zstd::encode_all(packed.as_slice(), 1).unwrap())
    }

    fn says_of(&self, file: &[u8]) -> String {
        let (path, to) = (self.path("archive"), self.path("out.db"));
        std::fs::write(&path, file).unwrap();
        let _ = std::fs::remove_file(&to);
        match unpack(&path, &to) {
            Ok(_) => "whole".to_owned(),
            Err(err) => err.to_string(),
        }
    }
}

const FILE: tar::EntryType = tar::EntryType::Regular;

fn size(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

#[test]
fn what_is_written_is_read_back() {
    let bench = Bench::new();
    let path = bench.path("archive");
    write(&File::create(&path).unwrap(), &bench.manifest, &bench.path("copy.db")).unwrap();
    assert_eq!(unpack(&path, &bench.path("out.db")).unwrap(), bench.manifest);
    assert_eq!(std::fs::read(bench.path("out.db")).unwrap(), bench.store());
}

#[test]
fn a_flipped_or_missing_byte_is_found_wherever_it_is() {
    let bench = Bench::new();
    let path = bench.path("archive");
    write(&File::create(&path).unwrap(), &bench.manifest, &bench.path("copy.db")).unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(bench.says_of(&whole), "whole");
    let every = (whole.len() / 97).max(1);
    let mut unnoticed = 0;
    for at in (0..whole.len()).step_by(every) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        let _ = std::fs::remove_file(bench.path("out.db"));
        // A bit may be one that zstd gives no meaning, or name another place that holds the same.
        if let Ok(manifest) = unpack(&path, &bench.path("out.db")) {
            assert_eq!(manifest, bench.manifest, "byte {at} of {}", whole.len());
            assert_eq!(std::fs::read(bench.path("out.db")).unwrap(), bench.store());
            unnoticed += 1;
        }
        assert_ne!(bench.says_of(&whole[..at]), "whole", "cut at {at}");
    }
    assert!(unnoticed <= 4, "{unnoticed} of 97");
}

#[test]
fn only_the_two_names_are_taken_and_never_a_path() {
    let bench = Bench::new();
    let (text, store) = (bench.text(), bench.store());
    let manifest = (&b"manifest.json"[..], FILE, size(&text), text.as_slice());
    let database = (&b"portico.db"[..], FILE, size(&store), store.as_slice());
    assert_eq!(bench.says(&[manifest, database]), "whole");
    let strange = "The backup holds something that is not of a backup.";
    for name in ["../portico.db", "/tmp/portico.db", "./portico.db", "portico.db/", "key", ""] {
        let other = (name.as_bytes(), FILE, size(&store), store.as_slice());
        assert_eq!(bench.says(&[manifest, other]), strange, "{name}");
    }
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
        tar::EntryType::Fifo,
        tar::EntryType::GNULongName,
        tar::EntryType::GNUSparse,
        tar::EntryType::XHeader,
    ] {
        let other = (&b"portico.db"[..], kind, size(&store), store.as_slice());
        assert_eq!(bench.says(&[manifest, other]), strange, "{kind:?}");
    }
    assert_eq!(bench.says(&[manifest, manifest, database]), strange, "a second manifest");
    assert_eq!(bench.says(&[database, manifest]), strange, "the wrong order");
    assert_eq!(
        bench.says(&[manifest, database, manifest]),
        "The backup holds more than it should."
    );
    assert_eq!(bench.says(&[manifest]), "The backup is not whole.");
    assert_eq!(bench.says(&[]), "The backup is not whole.");
}

#[test]
fn sizes_are_believed_by_nobody() {
    let bench = Bench::new();
    let store = bench.store();
    let claims = |bytes: u64| {
        let manifest = Manifest { bytes, ..bench.manifest.clone() };
        serde_json::to_vec(&manifest).unwrap()
    };
    let text = bench.text();
    let manifest = (&b"manifest.json"[..], FILE, size(&text), text.as_slice());
    let huge = 10 << 30;
    let liar = (&b"portico.db"[..], FILE, huge, store.as_slice());
    assert_eq!(
        bench.says(&[manifest, liar]),
        "The backup's store is not of the size that its manifest says."
    );
    let text = claims(huge);
    let manifest = (&b"manifest.json"[..], FILE, size(&text), text.as_slice());
    let zeros = vec![0; 1 << 20];
    let nothing = (&b"portico.db"[..], FILE, huge, zeros.as_slice());
    assert_eq!(bench.says(&[manifest, nothing]), "The backup's store is not a store.");
    assert_eq!(
        bench.says(&[manifest, liar]),
        "The backup's store is not a store.",
        "its own head says otherwise"
    );
    let long = (&b"manifest.json"[..], FILE, huge, zeros.as_slice());
    assert_eq!(bench.says(&[long]), "The backup's manifest is too large.");
    assert!(!bench.path("out.db").exists());
}

#[test]
fn a_store_of_another_digest_is_refused() {
    let bench = Bench::new();
    let (text, mut store) = (bench.text(), bench.store());
    *store.last_mut().unwrap() ^= 1;
    let manifest = (&b"manifest.json"[..], FILE, size(&text), text.as_slice());
    let database = (&b"portico.db"[..], FILE, size(&store), store.as_slice());
    assert!(bench.says(&[manifest, database]).starts_with("The backup is damaged"));
}

#[test]
fn what_a_newer_program_wrote_is_refused_with_words() {
    let bench = Bench::new();
    let newer = Manifest { schema: 99, ..bench.manifest.clone() };
    let says =
        |text: Vec<u8>| bench.says(&[(b"manifest.json", FILE, size(&text), text.as_slice())]);
    assert_eq!(
        says(serde_json::to_vec(&newer).unwrap()),
        "The backup is of schema 99; this program knows 1. Use the newer program."
    );
    assert_eq!(
        says(br#"{"format": 2, "parts": []}"#.to_vec()),
        "The backup is of format 2; this program reads up to 1. Use the newer program."
    );
    assert_eq!(says(b"[]".to_vec()), "This is not a backup of Portico.");
    assert!(bench.says_of(b"PK\x03\x04 a zip").starts_with("The backup is damaged or is none"));
}
