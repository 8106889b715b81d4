//! The one look of every mail: plain paragraphs, and the same as HTML that needs nothing from
//! outside and reads in dark clients.

use maud::{DOCTYPE, html};

/// What stands for the secret address in a stored body.
pub const LINK: &str = "[link]";

/// The text and the HTML of a mail whose paragraphs are `text`.
pub fn bodies(house: &str, text: &str) -> (String, String) {
    let paragraphs: Vec<&str> =
        text.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).collect();
    let foot = format!("{house} sent you this mail by its control panel.");
    let plain = format!("{}\n\n-- \n{foot}\n", paragraphs.join("\n\n"));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
            }
            body style="margin:0;padding:24px;font:15px/1.5 system-ui,sans-serif" {
                div style="max-width:34em;margin:0 auto" {
                    @for paragraph in &paragraphs {
                        @if *paragraph == LINK {
                            p { a href=(LINK) style="font-weight:600" { (LINK) } }
                        } @else {
                            p style="white-space:pre-line" { (paragraph) }
                        }
                    }
                    hr style="border:0;border-top:1px solid #8888";
                    p style="font-size:13px" { (foot) }
                }
            }
        }
    };
    (plain, page.into_string())
}

/// A body with the address in place of its mark.
pub fn with_link(body: &str, address: Option<&str>) -> String {
    match address {
        Some(address) => body.replace(LINK, address),
        None => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bodies_say_the_same_and_escape() {
        let (text, html) = bodies("Tarnholm <IT>", "Hello Ada & Bo,\nhow do you do\n\n[link]");
        assert!(text.starts_with("Hello Ada & Bo,\nhow do you do\n\n[link]\n\n-- \nTarnholm <IT>"));
        assert!(html.contains("Hello Ada &amp; Bo,") && html.contains("Tarnholm &lt;IT&gt;"));
        let sent = with_link(&html, Some("https://portico.example/reset/abc"));
        assert!(sent.contains(r#"<a href="https://portico.example/reset/abc""#), "{sent}");
        assert!(!sent.contains(LINK));
    }
}
