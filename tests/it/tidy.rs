//! The rules of the house that a compiler does not know. They read the sources as text, with
//! comments taken out and strings put aside, so that prose cannot break a rule.

use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};

/// What must look further down, because a table of the whole program is read there.
const EXCEPTIONS: [(&str, &str); 4] =
    [("web", "routes"), ("jobs", "schedule"), ("engine", "events"), ("openapi", "routes")];

/// The kernel's own statements. Everywhere else SQL is in a file called `store.rs`.
const SQL_IN_KERNEL: [&str; 3] = ["db", "auth", "audit"];

#[test]
fn modules_use_only_those_above_them() {
    let order = modules_in_reading_order();
    let place = |module: &str| order.iter().position(|m| m == module);
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = place(&source.module) else { continue };
        for path in paths_from_root(&source.code) {
            let used = path.first().map_or("", String::as_str);
            let excepted = EXCEPTIONS.contains(&(source.module.as_str(), used));
            if place(used).is_some_and(|theirs| theirs > own) && !excepted {
                wrong.push(format!("{} uses {}", source.path.display(), path.join("::")));
            }
        }
        if climbs_to_the_root(&source) {
            wrong.push(format!("{} says super where it means crate", source.path.display()));
        }
    }
    assert_eq!(wrong, [""; 0], "src/lib.rs lists modules in the order in which they may be used");
}

#[test]
fn a_slice_opens_its_drawers_to_nobody_but_the_route_table() {
    let mut wrong = Vec::new();
    for source in sources() {
        for path in paths_from_root(&source.code) {
            let [module, drawer, ..] = path.as_slice() else { continue };
            let private = match drawer.as_str() {
                "store" => true,
                "pages" | "api" => source.module != "routes",
                _ => false,
            };
            if private && *module != source.module {
                wrong.push(format!("{} uses {}", source.path.display(), path.join("::")));
            }
        }
    }
    assert_eq!(wrong, [""; 0], "slices speak to each other through operations and nouns");
}

#[test]
fn sql_is_in_stores_and_in_the_kernel_that_needs_it() {
    let sql = Regex::new(
        r"(?s)\bSELECT\b.+\bFROM\s|^\s*SELECT\s|\bINSERT\s+(OR\s+\w+\s+)?INTO\s|\bUPDATE\s+(OR\s+\w+\s+)?\w+\s+SET\s|\bDELETE\s+FROM\s|^\s*(PRAGMA|WITH|VACUUM|BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b|\b(CREATE|DROP|ALTER)\s+(UNIQUE\s+|VIRTUAL\s+|TEMP\s+)?(TABLE|INDEX|TRIGGER|VIEW)\s",
    )
    .unwrap();
    let mut wrong = Vec::new();
    for source in sources() {
        let file = source.path.file_name().unwrap().to_string_lossy();
        if file == "store.rs" || SQL_IN_KERNEL.contains(&source.module.as_str()) {
            continue;
        }
        wrong.extend(
            source
                .strings
                .iter()
                .filter(|text| sql.is_match(text))
                .map(|text| format!("{}: {text}", source.path.display())),
        );
    }
    assert_eq!(wrong, [""; 0], "SQL outside store.rs");
}

/// The form that carries the session's token is the only way to post.
#[test]
fn one_function_makes_forms_that_post() {
    let post = Regex::new(r#"(?i)\b(form)?method\s*=\s*"post""#).unwrap();
    let mut places = Vec::new();
    for source in sources() {
        let inside = source.strings.iter().map(|text| post.find_iter(text).count()).sum::<usize>();
        let found = post.find_iter(&source.uncommented).count() + inside;
        places.extend(std::iter::repeat_n(source.path.clone(), found));
    }
    assert_eq!(places, [Path::new("src/html/form.rs")]);
}

/// The content security policy would drop them, silently. Mails have no style sheet to use.
#[test]
fn pages_have_no_style_or_script_of_their_own() {
    let inline = Regex::new(r#"(?i)\bstyle="|\bstyle=\(|\bon[a-z]+="|<style|<script>"#).unwrap();
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|source| source.module != "mail") {
        let found = inline.find_iter(&source.uncommented);
        wrong.extend(found.map(|m| format!("{}: {}", source.path.display(), m.as_str())));
    }
    assert_eq!(wrong, [""; 0]);
}

/// The drawers of a slice have a fixed shape, so that their names say it.
#[test]
fn every_file_says_what_it_is() {
    let drawers = ["store.rs", "pages.rs", "api.rs"];
    let mut wrong = Vec::new();
    for source in sources() {
        let drawer = drawers.iter().any(|name| source.path.ends_with(name));
        if !drawer && !source.text.starts_with("//!") {
            wrong.push(format!("{} does not begin with //!", source.path.display()));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn imports_are_explicit_and_lints_are_not_silenced() {
    let rules = [
        (r"(?m)^\s*(pub(\([a-z]+\))?\s+)?use\s[^;]*\*", "an import of everything"),
        // A folder may show a part of its own as its own, so that the part can move within it.
        (r"\bpub(\([a-z]+\))?\s+use\s+(crate|super|::)", "a re-export of another module's"),
        (r"#!?\[allow\(", "a silenced lint: write expect, with its reason"),
        (r"#!?\[(cfg_attr\([^\]]*)?expect\([^\]]*\)\]", ""),
        (r"\b(todo|unimplemented|dbg)!", "a macro for unfinished work"),
    ]
    .map(|(rule, what)| (Regex::new(rule).unwrap(), what));
    let mut wrong = Vec::new();
    for source in sources() {
        for (rule, what) in &rules {
            for found in rule.find_iter(&source.code) {
                if !what.is_empty() || !found.as_str().contains("reason") {
                    let what = if what.is_empty() { "an expect without a reason" } else { what };
                    wrong.push(format!("{}: {what}: {}", source.path.display(), found.as_str()));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The verbs speak to people; everything else logs.
#[test]
fn only_verbs_print() {
    let print = Regex::new(r"\be?print(ln)?!").unwrap();
    let speakers = ["main", "verbs"];
    let printing = sources().into_iter().filter(|s| print.is_match(&s.code));
    let wrong = printing.filter(|s| !speakers.contains(&s.module.as_str()));
    let wrong = wrong.map(|s| s.path.display().to_string()).collect::<Vec<_>>();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TO", "FIX", "XX"].map(|w| format!(r"\b{w}{}\b", later_half(w))).join("|");
    let marks = Regex::new(&marks).unwrap();
    let roots = ["src", "tests", "packaging", "schema.sql", "build.rs", "README.md", "Cargo.toml"];
    let mut wrong = Vec::new();
    for path in roots.iter().flat_map(|root| files_below(Path::new(root))) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let lines = text.lines().enumerate().filter(|(_, line)| marks.is_match(line));
        wrong.extend(lines.map(|(n, line)| format!("{}:{}: {line}", path.display(), n + 1)));
    }
    assert_eq!(wrong, [""; 0]);
}

/// The words are put together here, so that this file does not contain them.
fn later_half(word: &str) -> &'static str {
    match word {
        "TO" => "DO",
        "FIX" => "ME",
        _ => "X",
    }
}

/// One file of the program, taken apart.
struct Source {
    path: PathBuf,
    /// The module at the top level that it belongs to: `customers` for `src/customers/store.rs`.
    module: String,
    text: String,
    /// Without comments and without the tests at its end.
    uncommented: String,
    /// The same with every string empty.
    code: String,
    strings: Vec<String>,
}

fn sources() -> Vec<Source> {
    let files = files_below(Path::new("src")).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let texts = files.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    let texts = texts.collect::<Vec<_>>();
    let tests = texts.iter().flat_map(|(path, text)| files_of_tests(path, text));
    let tests = tests.collect::<Vec<_>>();
    texts.into_iter().map(|(path, text)| source(&tests, path, text)).collect()
}

/// The files that a module names as its tests.
fn files_of_tests(path: &Path, text: &str) -> Vec<PathBuf> {
    let named = Regex::new(r"#\[cfg\(test\)\]\s*mod (\w+);").unwrap();
    let below = if path.ends_with("mod.rs") || path.ends_with("lib.rs") {
        path.parent().unwrap().to_path_buf()
    } else {
        path.with_extension("")
    };
    named.captures_iter(text).map(|found| below.join(format!("{}.rs", &found[1]))).collect()
}

fn source(tests: &[PathBuf], path: PathBuf, text: String) -> Source {
    let inside = path.strip_prefix("src").unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    let module = first.trim_end_matches(".rs").to_owned();
    let end = if tests.contains(&path) { Some(0) } else { text.find("#[cfg(test)]\nmod tests") };
    let (uncommented, code, strings) = take_apart(&text[..end.unwrap_or(text.len())]);
    Source { path, module, uncommented, code, strings, text }
}

/// Splits Rust text into itself without comments, itself with empty strings, and its strings.
fn take_apart(text: &str) -> (String, String, Vec<String>) {
    let tokens = Regex::new(concat!(
        r"(?s)(?P<comment>//[^\n]*|/\*.*?\*/)",
        r##"|(?P<raw>\bb?r#+".*?"#+|\bb?r"[^"]*")"##,
        r#"|(?P<string>"(?:[^"\\]|\\.)*")"#,
        r"|(?P<char>'(?:[^'\\\n]|\\[^\n']+|\\')')",
    ))
    .unwrap();
    let (mut uncommented, mut code, mut strings) = (String::new(), String::new(), Vec::new());
    let mut from = 0;
    for token in tokens.captures_iter(text) {
        let whole = token.get(0).unwrap();
        uncommented.push_str(&text[from..whole.start()]);
        code.push_str(&text[from..whole.start()]);
        from = whole.end();
        if token.name("comment").is_some() {
            continue;
        }
        uncommented.push_str(whole.as_str());
        code.push_str("\"\"");
        if token.name("char").is_none() {
            let string = whole.as_str();
            let open = string.find('"').unwrap() + 1;
            strings.push(string[open..string.rfind('"').unwrap()].to_owned());
        }
    }
    uncommented.push_str(&text[from..]);
    code.push_str(&text[from..]);
    (uncommented, code, strings)
}

/// Every path that starts at the crate's root, however it is written: `use crate::{a::{b, c}, d};`
/// has `a::b`, `a::c` and `d`.
fn paths_from_root(code: &str) -> Vec<Vec<String>> {
    let starts = Regex::new(r"(?:^|[^$\w])crate::").unwrap();
    starts.find_iter(code).flat_map(|start| branches(&mut code[start.end()..].chars())).collect()
}

/// Reads one path, or a group of them in braces, up to where it ends.
fn branches(rest: &mut std::str::Chars) -> Vec<Vec<String>> {
    let mut ends = Vec::new();
    let mut before: Vec<Vec<String>> = Vec::new(); // what stands before each open brace
    let mut path: Vec<String> = Vec::new();
    let mut name = String::new();
    while let Some(c) = rest.next() {
        match c {
            _ if c.is_alphanumeric() || c == '_' => name.push(c),
            ':' if rest.as_str().starts_with(':') => {
                rest.next();
                path.push(std::mem::take(&mut name));
            }
            '{' if name.is_empty() => before.push(path.clone()),
            ',' | '}' if !before.is_empty() => {
                let prefix = before.last().cloned().unwrap_or_default();
                if !name.is_empty() {
                    path.push(std::mem::take(&mut name));
                }
                if path.len() > prefix.len() {
                    ends.push(std::mem::take(&mut path));
                }
                if c == '}' {
                    before.pop();
                }
                let Some(prefix) = before.last() else { return ends };
                path.clone_from(prefix);
            }
            // `as another` stays a harmless last name.
            _ if c.is_whitespace() && !before.is_empty() => {
                if !name.is_empty() {
                    path.push(std::mem::take(&mut name));
                }
            }
            _ => break,
        }
    }
    if !name.is_empty() {
        path.push(name);
        ends.push(path);
    }
    ends
}

/// `super` in a file of the top level, or twice in a drawer, is another way to say `crate`.
fn climbs_to_the_root(source: &Source) -> bool {
    let inside = source.path.strip_prefix("src").unwrap();
    let folders = inside.components().count() - 1;
    let own = usize::from(!inside.ends_with("mod.rs") && !inside.ends_with("lib.rs"));
    let depth = folders + own;
    depth > 0 && source.code.contains(&"super::".repeat(depth))
}

fn modules_in_reading_order() -> Vec<String> {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let line = Regex::new(r"(?m)^(?:pub )?mod (\w+);").unwrap();
    line.captures_iter(&lib).map(|found| found[1].to_owned()).collect()
}

fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(path) = waiting.pop() {
        if path.ends_with("node_modules") || path.ends_with("package-lock.json") {
            continue;
        }
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.exists() {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn imports_are_read_however_they_are_written() {
    let code = "use crate::{\n    auth::{self, Scope, scope::{Reach}},\n    db,\n};\nuse crate::web::Cx;\n\
                fn f() -> crate::error::Result<()> { crate::html::page(crate::ids::X { a: 1 }) }\n$crate::money::m";
    let paths = paths_from_root(code).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        paths,
        [
            "auth::self",
            "auth::Scope",
            "auth::scope::Reach",
            "db",
            "web::Cx",
            "error::Result",
            "html::page",
            "ids::X",
        ],
    );
}

#[test]
fn strings_and_comments_are_told_apart() {
    let text = "let a = \"SELECT // no comment\"; // \"no string\"\nlet b = r#\"x \"y\" z\"#; let c = '\"'; /* \"d\" */";
    let (_, code, strings) = take_apart(text);
    assert_eq!(strings, ["SELECT // no comment", "x \"y\" z"]);
    assert_eq!(code, "let a = \"\"; \nlet b = \"\"; let c = \"\"; ");
}
