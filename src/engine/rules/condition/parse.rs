//! Reading: or, and, not, a comparison, a value; each with its type.

use super::tokens::{self, Placed, Token, wrong};
use super::{
    Condition, Kind, Known, MOST_LEVELS, MOST_PARTS, Node, Sign, Test, Type, Value, Wrong,
};
use regex::RegexBuilder;

type Read<T> = Result<T, Wrong>;

/// Of what a pattern is turned into.
const PATTERN: usize = 100_000;

struct Reader<'k> {
    tokens: Vec<Placed>,
    at: usize,
    known: &'k Known,
    names: Vec<String>,
    levels: usize,
    parts: usize,
    /// Where the last token ended.
    end: usize,
}

pub fn read(text: &str, known: &Known) -> Read<Condition> {
    let text: Vec<char> = text.chars().collect();
    let tokens = tokens::all(&text)?;
    let mut reader =
        Reader { tokens, at: 0, known, names: Vec::new(), levels: 0, parts: 0, end: 0 };
    let root = match reader.next_is_end() {
        true => Node { kind: Kind::Is(Value::Boolean(true)), is: Type::Boolean, from: 0, to: 0 },
        false => reader.or()?,
    };
    let rest = reader.next();
    if rest.token != Token::End {
        return Err(wrong(rest.from, "the condition should end here"));
    }
    truth(&root)?;
    let mut names = reader.names;
    names.sort();
    names.dedup();
    Ok(Condition { text, root, names })
}

fn truth(node: &Node) -> Read<()> {
    if node.is == Type::Boolean {
        return Ok(());
    }
    Err(wrong(node.from, format!("this is {}, and has to be true or false", a(node.is))))
}

fn a(kind: Type) -> &'static str {
    match kind {
        Type::Text => "a text",
        Type::Integer => "a number",
        Type::Boolean => "true or false",
        Type::Date => "a date",
        Type::List => "a list",
    }
}

fn said(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("“{name}”"),
        Token::Text(_) => "a text".to_owned(),
        Token::Number(number) => format!("“{number}”"),
        Token::Mark(mark) => format!("“{mark}”"),
        Token::End => "the end".to_owned(),
    }
}

impl Reader<'_> {
    fn next(&mut self) -> Placed {
        let end = self.end;
        let next = self.ahead(0).cloned();
        let placed = next.unwrap_or(Placed { token: Token::End, from: end, to: end });
        self.at = self.at.saturating_add(1);
        self.end = placed.to;
        placed
    }

    fn ahead(&self, n: usize) -> Option<&Placed> {
        self.tokens.get(self.at.saturating_add(n))
    }

    fn next_is_end(&self) -> bool {
        self.ahead(0).is_none_or(|placed| placed.token == Token::End)
    }

    fn here(&self) -> usize {
        self.ahead(0).map_or(self.end, |placed| placed.from)
    }

    fn is_mark(&self, n: usize, mark: &str) -> bool {
        self.ahead(n).is_some_and(|placed| match placed.token {
            Token::Mark(found) => found == mark,
            _ => false,
        })
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is = self.is_mark(0, mark);
        if is {
            self.next();
        }
        is
    }

    fn needs(&mut self, mark: &str) -> Read<()> {
        if self.takes(mark) {
            return Ok(());
        }
        let at = self.here();
        Err(wrong(at, format!("“{mark}” is missing")))
    }

    /// One level further in.
    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.levels = self.levels.saturating_add(1);
        if self.levels > MOST_LEVELS {
            let at = self.here();
            return Err(wrong(at, "this is nested more than 32 levels deep"));
        }
        let read = read(self)?;
        self.levels = self.levels.saturating_sub(1);
        Ok(read)
    }

    fn node(&mut self, kind: Kind, is: Type, from: usize) -> Read<Node> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > MOST_PARTS {
            return Err(wrong(from, "a condition has at most 200 parts"));
        }
        Ok(Node { kind, is, from, to: self.end })
    }

    fn or(&mut self) -> Read<Node> {
        self.joined("||", Reader::and, Kind::Or)
    }

    fn and(&mut self) -> Read<Node> {
        self.joined("&&", Reader::not, Kind::And)
    }

    fn joined(
        &mut self,
        mark: &str,
        part: fn(&mut Self) -> Read<Node>,
        kind: fn(Vec<Node>) -> Kind,
    ) -> Read<Node> {
        let first = part(self)?;
        let from = first.from;
        let mut all = vec![first];
        while self.takes(mark) {
            all.push(part(self)?);
        }
        if all.len() > 1 {
            all.iter().try_for_each(truth)?;
            return self.node(kind(all), Type::Boolean, from);
        }
        all.pop().ok_or_else(|| wrong(from, "something is missing here"))
    }

    fn not(&mut self) -> Read<Node> {
        let from = self.here();
        if !self.takes("!") {
            return self.comparison();
        }
        let inner = self.within(Reader::not)?;
        truth(&inner)?;
        self.node(Kind::Not(Box::new(inner)), Type::Boolean, from)
    }

    fn comparison(&mut self) -> Read<Node> {
        let left = self.value()?;
        let from = left.from;
        if self.takes_word("in") {
            return self.is_in(left);
        }
        let sign = Sign::ALL.iter().copied().find(|sign| self.takes(sign.word()));
        let Some(sign) = sign else { return Ok(left) };
        let right = self.value()?;
        if left.is != right.is {
            let text = format!("{} is compared with {}", a(left.is), a(right.is));
            return Err(wrong(right.from, text));
        }
        let ordered = matches!(left.is, Type::Integer | Type::Date | Type::Text);
        if !ordered && !matches!(sign, Sign::Eq | Sign::Ne) {
            return Err(wrong(from, format!("{} is not more or less than another", a(left.is))));
        }
        self.node(Kind::Compare(sign, Box::new(left), Box::new(right)), Type::Boolean, from)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is = self.ahead(0).is_some_and(|placed| match &placed.token {
            Token::Name(name) => name == word,
            _ => false,
        });
        if is {
            self.next();
        }
        is
    }

    fn is_in(&mut self, left: Node) -> Read<Node> {
        let from = left.from;
        if self.takes("[") {
            let mut all = Vec::new();
            loop {
                let each = self.within(Reader::value)?;
                if each.is != left.is {
                    let text = format!("{} is looked for among {}", a(left.is), a(each.is));
                    return Err(wrong(each.from, text));
                }
                all.push(each);
                if !self.takes(",") {
                    break;
                }
            }
            self.needs("]")?;
            return self.node(Kind::OneOf(Box::new(left), all), Type::Boolean, from);
        }
        let right = self.value()?;
        if right.is != Type::List || left.is != Type::Text {
            let text = format!("{} cannot be in {}", a(left.is), a(right.is));
            return Err(wrong(right.from, text));
        }
        self.node(Kind::In(Box::new(left), Box::new(right)), Type::Boolean, from)
    }

    fn value(&mut self) -> Read<Node> {
        let mut node = self.plain()?;
        while self.takes(".") {
            node = self.test(node)?;
        }
        Ok(node)
    }

    fn plain(&mut self) -> Read<Node> {
        let placed = self.next();
        let from = placed.from;
        match placed.token {
            Token::Text(text) => self.node(Kind::Is(Value::Text(text)), Type::Text, from),
            Token::Number(number) => {
                self.node(Kind::Is(Value::Integer(number)), Type::Integer, from)
            }
            Token::Mark("(") => {
                let mut inner = self.within(Reader::or)?;
                self.needs(")")?;
                (inner.from, inner.to) = (from, self.end);
                Ok(inner)
            }
            Token::Name(name) => self.named(name, from),
            other => Err(wrong(from, format!("a value is missing before {}", said(&other)))),
        }
    }

    /// A word that has a meaning, a call, or the beginning of a path.
    fn named(&mut self, name: String, from: usize) -> Read<Node> {
        match name.as_str() {
            "true" | "false" => {
                let value = Value::Boolean(name == "true");
                self.node(Kind::Is(value), Type::Boolean, from)
            }
            "in" => Err(wrong(from, "a value is missing before “in”")),
            "has" | "size" | "lower" | "date" if self.takes("(") => {
                let node = self.within(|reader| reader.call(&name, from))?;
                self.needs(")")?;
                Ok(Node { to: self.end, ..node })
            }
            _ => {
                let path = self.path(name, from)?;
                let at = self.known.type_of(&path);
                let is = at.unwrap_or(Type::Text);
                self.node(Kind::Path(path), is, from)
            }
        }
    }

    fn call(&mut self, name: &str, from: usize) -> Read<Node> {
        match name {
            "has" => {
                let first = self.next();
                let Token::Name(word) = first.token else {
                    return Err(wrong(first.from, "has() takes a name, like has(user.mail)"));
                };
                let path = self.path(word, first.from)?;
                self.node(Kind::Has(path), Type::Boolean, from)
            }
            "size" => {
                let inner = self.value()?;
                if !matches!(inner.is, Type::Text | Type::List) {
                    return Err(wrong(inner.from, format!("{} has no size", a(inner.is))));
                }
                self.node(Kind::Size(Box::new(inner)), Type::Integer, from)
            }
            "lower" => {
                let inner = self.value()?;
                if inner.is != Type::Text {
                    let text = format!("{} has no small letters", a(inner.is));
                    return Err(wrong(inner.from, text));
                }
                self.node(Kind::Lower(Box::new(inner)), Type::Text, from)
            }
            _ => {
                let first = self.next();
                let date = match &first.token {
                    Token::Text(text) => text.parse().ok(),
                    _ => None,
                };
                let Some(date) = date else {
                    return Err(wrong(first.from, "date() takes a day like \"2026-01-31\""));
                };
                self.node(Kind::Is(Value::Date(date)), Type::Date, from)
            }
        }
    }

    /// The rest of a name with its points, but for a test that follows.
    fn path(&mut self, first: String, from: usize) -> Read<String> {
        let (mut path, mut places) = (first, vec![from]);
        loop {
            if !self.is_mark(0, ".") || self.is_mark(2, "(") {
                break;
            }
            let Some(Placed { token: Token::Name(word), from, .. }) = self.ahead(1) else { break };
            path.push('.');
            path.push_str(word);
            places.push(*from);
            self.at = self.at.saturating_add(2);
            self.end = self.tokens.get(self.at.saturating_sub(1)).map_or(self.end, |each| each.to);
        }
        if self.known.type_of(&path).is_some() {
            self.names.push(path.clone());
            return Ok(path);
        }
        // The column is that of the first word that leads nowhere.
        let words: Vec<&str> = path.split('.').collect();
        let leads = |n: usize| {
            let stem = words.iter().take(n).copied().collect::<Vec<_>>().join(".") + ".";
            self.known.0.keys().any(|name| name.starts_with(&stem))
        };
        let good = (1..words.len()).take_while(|n| leads(*n)).count();
        let at = places.get(good).copied().unwrap_or(from);
        Err(wrong(at, self.known.refusal(&path)))
    }

    fn test(&mut self, left: Node) -> Read<Node> {
        let from = left.from;
        let placed = self.next();
        let name = match placed.token {
            Token::Name(name) => name,
            other => {
                return Err(wrong(
                    placed.from,
                    format!("a name is missing before {}", said(&other)),
                ));
            }
        };
        let test: Option<Test> = name.parse().ok();
        if test.is_none() && name != "matches" {
            let text = format!("{name}() is not known; startsWith, endsWith, contains or matches?");
            return Err(wrong(placed.from, text));
        }
        self.needs("(")?;
        if left.is != Type::Text {
            return Err(wrong(
                from,
                format!("{name}() is asked of a text; this is {}", a(left.is)),
            ));
        }
        let node = match test {
            Some(test) => {
                let right = self.within(Reader::value)?;
                if right.is != Type::Text {
                    let text = format!("{name}() takes a text; this is {}", a(right.is));
                    return Err(wrong(right.from, text));
                }
                Kind::Test(test, Box::new(left), Box::new(right))
            }
            None => {
                let pattern = self.next();
                let Token::Text(text) = pattern.token else {
                    return Err(wrong(pattern.from, "matches() takes a pattern between \"…\""));
                };
                let built = RegexBuilder::new(&text)
                    .size_limit(PATTERN)
                    .dfa_size_limit(PATTERN)
                    .nest_limit(20)
                    .build();
                let Ok(regex) = built else {
                    return Err(wrong(pattern.from, "this is not a pattern that can be used"));
                };
                Kind::Matches(Box::new(left), regex)
            }
        };
        self.needs(")")?;
        self.node(node, Type::Boolean, from)
    }
}
