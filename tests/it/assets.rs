//! What pages name is there: icons, files, classes, ids.

use portico::html::{asset, assets};
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

#[test]
fn every_icon_and_file_that_sources_name_exists() {
    let known = icons();
    assert!(known.len() > 40, "the sprite was read: {known:?}");
    let named = Regex::new(concat!(
        r#"\bicon\(\s*"([\w-]+)"|\bicon:\s*"([\w-]+)"|\bempty\(\s*"([\w-]+)""#,
        r#"|icons\.svg#([\w-]+)"#
    ))
    .unwrap();
    let files = Regex::new(r#"\basset\("([^"]+)"\)"#).unwrap();
    let mut found = 0;
    for (path, text) in sources() {
        for name in named.captures_iter(&text).filter_map(|c| c.iter().flatten().nth(1)) {
            let name = name.as_str();
            assert!(known.contains(name), "{}: icon {name}", path.display());
            found += 1;
        }
        for file in files.captures_iter(&text) {
            assert!(asset(&file[1]).len() > "/assets/".len(), "{}: {}", path.display(), &file[1]);
        }
    }
    assert!(found > 5, "the pattern still finds how icons are named");
}

/// What was typed is text. Where markup is kept as text, escaping is left to memory.
#[test]
fn nothing_goes_into_a_page_unescaped() {
    for (path, text) in sources() {
        for word in ["PreEscaped", "hx-on"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

/// Classes, icons and ids of a rendered page: all there, each id once, and no form in a form.
pub fn examine(page: &str) {
    let sheet = file("portico.css");
    let known: BTreeSet<&str> = Regex::new(r"\.([A-Za-z][\w-]*)")
        .unwrap()
        .captures_iter(&sheet)
        .map(|c| c.get(1).unwrap().as_str())
        .collect();
    // Hooks for the script and for wording, which no rule needs to mention.
    let silent = ["optional", "find-link"];
    for class in attribute(page, "class").flat_map(str::split_whitespace) {
        assert!(known.contains(class) || silent.contains(&class), "no rule for the class {class}");
    }
    let icons = icons();
    for used in Regex::new(r"icons\.[0-9a-f]{8}\.svg#([\w-]*)").unwrap().captures_iter(page) {
        assert!(icons.contains(&used[1]), "no icon {}", &used[1]);
    }
    // A browser drops a form inside a form, and its end tag ends the outer one.
    for form in page.split("<form").skip(1) {
        assert_eq!(form.matches("</form>").count(), 1, "forms nest: <form{form}");
    }
    let mut ids = BTreeSet::new();
    for id in attribute(page, "id") {
        assert!(ids.insert(id), "twice on the page: id {id}");
    }
    for name in
        ["for", "aria-describedby", "aria-labelledby", "popovertarget", "data-dialog", "form"]
    {
        for id in attribute(page, name).flat_map(str::split_whitespace) {
            assert!(ids.contains(id), "{name} names {id}, which is not on the page");
        }
    }
}

fn attribute<'p>(page: &'p str, name: &str) -> impl Iterator<Item = &'p str> {
    let pattern = Regex::new(&format!(r#"<[^<>]*?\s{name}="([^"]*)""#)).unwrap();
    let found: Vec<_> = pattern.captures_iter(page).map(|c| c.get(1).unwrap().as_str()).collect();
    found.into_iter()
}

fn icons() -> BTreeSet<String> {
    let sprite = file("icons.svg");
    let symbols = Regex::new(r#"<symbol id="([^"]+)""#).unwrap();
    symbols.captures_iter(&sprite).map(|c| c[1].to_owned()).collect()
}

fn file(name: &str) -> String {
    let path = asset(name).strip_prefix("/assets/").unwrap();
    String::from_utf8(assets::lookup(path, "").unwrap().bytes.into_owned()).unwrap()
}

fn sources() -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            match entry.unwrap().path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|e| e == "rs") => {
                    found.push((path.clone(), fs::read_to_string(path).unwrap()));
                }
                _ => {}
            }
        }
    }
    found
}
