//! Which test shows which numbered line of the specification. `lines.txt` has one row per line:
//! its number, then the names of the tests that show it, as `module::test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const LIST: &str = include_str!("lines.txt");

#[test]
fn every_line_that_is_listed_has_tests_that_exist() {
    let there = tests();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for row in LIST.lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let (number, names) = row.split_once(' ').unwrap_or((row, ""));
        if !seen.insert(number) {
            wrong.push(format!("{number} is listed twice"));
        }
        if names.trim().is_empty() {
            wrong.push(format!("{number} has no test"));
        }
        for name in names.split([',', ' ']).filter(|name| !name.is_empty()) {
            let (module, test) = name.split_once("::").unwrap_or((name, ""));
            if !there.get(module).is_some_and(|tests| tests.contains(test)) {
                wrong.push(format!("{number}: there is no test {name}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The names of the tests under each module: a file or a folder here, a file of `src`, or one of
/// the browser, whose tests are named by their file alone.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in ["tests/it", "src", "tests/browser"] {
        collect(&root.join(folder), &root.join(folder), &mut found);
    }
    found
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                collect(root, &path, found);
            }
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let below = path.strip_prefix(root).unwrap();
        let top = below.components().next().unwrap().as_os_str().to_string_lossy();
        let module = top.trim_end_matches(".rs").to_owned();
        if let Some(browser) = name.strip_suffix(".test.mjs") {
            found.entry("browser".to_owned()).or_default().insert(browser.to_owned());
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.entry(module).or_default().extend(names_of_tests(&text));
        }
    }
}

/// `fn` names that follow `#[test]`, with other attributes between, and those in `proptest!`.
fn names_of_tests(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut armed = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            armed = true;
        } else if armed && let Some(rest) = line.strip_prefix("fn ") {
            names.push(rest.split('(').next().unwrap_or(rest).to_owned());
            armed = false;
        }
    }
    names
}
