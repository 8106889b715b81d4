//! The words and signs that a condition is made of.

use super::{MOST_CHARACTERS, Wrong};

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Name(String),
    Text(String),
    Number(i64),
    Mark(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub struct Placed {
    pub token: Token,
    /// Characters from the beginning.
    pub from: usize,
    pub to: usize,
}

/// Longer ones first.
const MARKS: &[&str] =
    &["||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", "."];

/// All of them, and the end.
pub fn all(text: &[char]) -> Result<Vec<Placed>, Wrong> {
    if text.len() > MOST_CHARACTERS {
        return Err(wrong(MOST_CHARACTERS, "a condition has at most 1,000 characters"));
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        if c.is_whitespace() {
            at = at.saturating_add(1);
            continue;
        }
        let (token, to) = match c {
            '"' | '\'' => quoted(text, at, c)?,
            _ if c.is_ascii_digit() || c == '-' => number(text, at)?,
            _ if c.is_ascii_alphabetic() || c == '_' => name(text, at),
            _ => mark(text, at)?,
        };
        found.push(Placed { token, from: at, to });
        at = to;
    }
    found.push(Placed { token: Token::End, from: at, to: at });
    Ok(found)
}

pub fn wrong(at: usize, text: impl Into<String>) -> Wrong {
    Wrong { column: at.saturating_add(1), text: text.into() }
}

fn quoted(text: &[char], from: usize, end: char) -> Result<(Token, usize), Wrong> {
    let mut value = String::new();
    let mut at = from.saturating_add(1);
    loop {
        let Some(&c) = text.get(at) else {
            return Err(wrong(from, format!("this text has no end: “{end}” is missing")));
        };
        at = at.saturating_add(1);
        match c {
            c if c == end => return Ok((Token::Text(value), at)),
            '\\' => {
                let Some(&escaped) = text.get(at) else { continue };
                value.push(match escaped {
                    '"' | '\'' | '\\' => escaped,
                    'n' => '\n',
                    't' => '\t',
                    other => {
                        let at = at.saturating_sub(1);
                        return Err(wrong(at, format!("“\\{other}” means nothing here")));
                    }
                });
                at = at.saturating_add(1);
            }
            other => value.push(other),
        }
    }
}

fn number(text: &[char], from: usize) -> Result<(Token, usize), Wrong> {
    let digits = text.iter().skip(from.saturating_add(1)).take_while(|c| c.is_ascii_digit());
    let to = from.saturating_add(1).saturating_add(digits.count());
    let written: String = text.iter().skip(from).take(to.saturating_sub(from)).collect();
    match written.parse() {
        Ok(number) => Ok((Token::Number(number), to)),
        Err(_) => Err(wrong(from, format!("{written} is not a whole number"))),
    }
}

fn name(text: &[char], from: usize) -> (Token, usize) {
    let word = |c: &&char| c.is_ascii_alphanumeric() || **c == '_';
    let name: String = text.iter().skip(from).take_while(word).collect();
    let to = from.saturating_add(name.len());
    (Token::Name(name), to)
}

fn mark(text: &[char], from: usize) -> Result<(Token, usize), Wrong> {
    let is_here = |mark: &&&str| {
        mark.chars().enumerate().all(|(i, c)| text.get(from.saturating_add(i)) == Some(&c))
    };
    if let Some(mark) = MARKS.iter().find(is_here) {
        return Ok((Token::Mark(mark), from.saturating_add(mark.len())));
    }
    let c = text.get(from).copied().unwrap_or(' ');
    Err(wrong(
        from,
        match c {
            '=' => "“=” compares nothing; “==”?".to_owned(),
            '&' => "“&” joins nothing; “&&”?".to_owned(),
            '|' => "“|” joins nothing; “||”?".to_owned(),
            '“' | '”' | '‘' | '’' => "texts stand between \"…\"".to_owned(),
            other => format!("“{other}” means nothing here"),
        },
    ))
}
