//! Whatever is typed where a small language is read: naming patterns, and the box that searches.
//! More cases by `PORTICO_FUZZ`, a factor.

use crate::sheet::cases;
use crate::world::{PROVIDER, World};
use portico::customers::patterns::pattern::{DISPLAY, LOCAL, Makes, Pattern, Person, USERNAME};
use portico::db::{beginning, containing, trigram_parts, trigrams};
use portico::users::names::{is_local, is_username};
use proptest::prelude::*;

const ALL: [Makes; 4] = [Makes::Display, Makes::Upn, Makes::Username, Makes::Mail];

/// Tokens, halves of tokens, what may stand between them, and what may not.
fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "{first}",
            "{last}",
            "{f}",
            "{l}",
            "{first:3}",
            "{last:64}",
            "{initials}",
            "{code}",
            "{code:2}",
            "{customer}",
            "{title}",
            "{department}",
            "{employee_id}",
            "{local}",
            "{n}",
            ".",
            "_",
            "-",
            "x",
            "'",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "{",
            "}",
            "{{",
            "}}",
            "{first",
            "first}",
            "{first:0}",
            "{first:65}",
            "{first:99999999999999999999}",
            "{first:-1}",
            "{:}",
            "{n:2}",
            "{f:2}",
            "{FIRST}",
            "{}",
            "\u{0}",
            "\n",
            "<",
            "ß",
            "李",
            "\u{202e}",
            "😀",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,12}",
        ".{0,6}",
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// One that is nearly always read.
fn sound() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{first}",
        "{last}",
        "{f}",
        "{l}",
        "{first:3}",
        "{last:5}",
        "{initials}",
        "{code}",
        "{code:2}",
        "{customer}",
        "{title}",
        "{department}",
        "{employee_id}",
        "{n}",
        ".",
        "_",
        "-",
        "x7",
    ]);
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z]{0,12}",
        "[a-zA-ZäöüßéñŁłÅøœ' .-]{0,64}",
        "[\u{4e00}-\u{4eff}\u{5d0}-\u{5ea}\u{600}-\u{64a}]{0,20}",
        ".{0,64}",
        Just("a".repeat(64)),
        Just("....".to_owned()),
        Just("😀".repeat(16)),
    ]
}

/// What can be typed into a box that searches.
fn asked() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,120}",
        "[\"'*^():{}+%_\\\\ -]{0,24}",
        prop::sample::select(vec![
            "AND",
            "OR NOT",
            "NEAR(a b, 3)",
            "\"",
            "\"\"\"",
            "a* b*",
            "name:x",
            "-x",
            "{a b}",
            "%%%%",
            "__",
            "\\",
            "\\%",
            "ab",
            "abc",
            "äöü",
            "İstanbul",
            "ﬁ",
            "\u{0}abc",
            "a\u{0}b",
            "'; DROP TABLE users; --",
            "\u{feff}abc",
        ])
        .prop_map(str::to_owned),
        "[a-z]{1,3}( [a-z]{1,3}){0,30}",
        prop::collection::vec("[a-z\"*]{3}", 0..200).prop_map(|parts| parts.concat()),
    ]
}

fn person<'p>(words: &'p [String; 6]) -> Person<'p> {
    let [first, last, customer, title, department, employee_id] =
        words.each_ref().map(String::as_str);
    Person {
        first,
        last,
        code: "ALDER",
        customer,
        title,
        department,
        employee_id,
        local: "jane.doe",
        ..Person::default()
    }
}

fn most(makes: Makes) -> usize {
    match makes {
        Makes::Display => DISPLAY,
        Makes::Upn | Makes::Mail => LOCAL,
        Makes::Username => USERNAME,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(512), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_is_read_or_refused_in_one_sentence(text in pattern(), words in prop::array::uniform6(word())) {
        for makes in ALL {
            match Pattern::read(&text, makes) {
                Err(why) => prop_assert!(!why.is_empty() && why.chars().count() < 300, "{why}"),
                Ok(pattern) => {
                    for number in [1, 2, 99] {
                        let name = pattern.name(&person(&words), number);
                        prop_assert!(name.len() < 20_000, "{text} makes {} bytes", name.len());
                    }
                    pattern.complaint(&person(&words));
                }
            }
        }
    }

    /// A name that nothing is complained about can be used as what it is made for.
    #[test]
    fn a_name_without_complaint_is_a_good_one(text in sound(), words in prop::array::uniform6(word()), number in 1u8..=99) {
        let person = person(&words);
        for makes in ALL {
            let Ok(pattern) = Pattern::read(&text, makes) else { continue };
            if pattern.complaint(&person).is_some() {
                continue;
            }
            let name = pattern.name(&person, number);
            prop_assert!(name.chars().count() <= most(makes), "{text} for {words:?} makes {name}");
            match makes {
                Makes::Display => {}
                Makes::Upn | Makes::Mail => prop_assert!(is_local(&name), "{text} for {words:?} makes {name}"),
                Makes::Username => prop_assert!(is_username(&name), "{text} for {words:?} makes {name}"),
            }
        }
    }

    /// Those who are taken give way to a number, and the hundredth gets none.
    #[test]
    fn a_free_name_is_none_of_the_taken_ones(text in sound(), words in prop::array::uniform6(word()), taken in 0usize..120) {
        let person = person(&words);
        let Ok(pattern) = Pattern::read(&text, Makes::Upn) else { return Ok(()) };
        let mut seen = Vec::new();
        let free = pattern.free(&person, |name| {
            seen.push(name.to_owned());
            Ok::<_, std::convert::Infallible>(seen.len() <= taken)
        });
        let Ok(free) = free;
        prop_assert!(seen.len() <= 99);
        prop_assert_eq!(free.is_none(), taken >= 99);
        prop_assert!(free.is_none_or(|name| seen.last() == Some(&name)));
    }

    #[test]
    fn what_is_searched_for_makes_a_bounded_question(text in asked()) {
        let parts = trigram_parts(&text);
        prop_assert!(parts.len() <= 62, "{}", parts.len());
        prop_assert_eq!(trigrams(&text).is_none(), parts.is_empty());
        for like in [containing(&text), beginning(&text)] {
            prop_assert!(like.len() <= 2 * text.len() + 2);
        }
    }
}

/// Every box that searches, asked by those who see everything, one branch, or one customer.
#[test]
fn no_search_fails_whatever_is_typed() {
    use proptest::test_runner::{Config, TestRunner};
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor & Söhne \"50%\"_x");
    for (n, name) in ["Jane Doe", "李小龍", "O'Brien", "100% \"x\"", "a_b\\c"].iter().enumerate()
    {
        world.user(home, name, &format!("user{n}"));
    }
    let people = [
        world.person(PROVIDER, "Provider administrator"),
        world.person(reseller, "Reseller administrator"),
        world.person(home, "Customer administrator"),
    ];
    let boxes = [
        "/search?q=".to_owned(),
        "/search/hits?q=".to_owned(),
        "/api/v1/search?q=".to_owned(),
        "/api/v1/users?q=".to_owned(),
        "/api/v1/users?state=active&q=".to_owned(),
        format!("/api/v1/customers/{home}/users?q="),
        "/api/v1/customers?q=".to_owned(),
        "/api/v1/messages?q=".to_owned(),
        "/api/v1/services?q=".to_owned(),
        "/users?q=".to_owned(),
        "/customers?q=".to_owned(),
    ];
    let config = Config { cases: cases(48), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&asked(), |text| {
        let q: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for person in &people {
            for each in &boxes {
                world.app.throttle.clear();
                let url = format!("{each}{q}");
                let answer =
                    if each.starts_with("/api/") { person.api_get(&url) } else { person.get(&url) };
                prop_assert!(
                    [200, 403, 422].contains(&answer.status),
                    "{url}: {} {}",
                    answer.status,
                    answer.body
                );
                prop_assert!(answer.body.len() < 2_000_000, "{url}: {} bytes", answer.body.len());
            }
        }
        Ok(())
    });
    outcome.unwrap();
}
