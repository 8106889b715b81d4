//! Lists are paged by key. A cursor says where the next page begins; it is signed for the list, the
//! filters and the person, so that it fits nowhere else.

use crate::error::{Error, Result};
use crate::secret::{self, sha256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;

/// Which part of a list is asked for.
pub struct Paging {
    /// Rows to show; stores fetch one more to know whether there is a next page.
    pub limit: i64,
    /// The sort value and id of the last row seen; empty and 0 at the start.
    pub after: Option<(String, i64)>,
    /// What the cursor is signed for.
    context: String,
}

/// A page of a list, and where the next one begins.
#[derive(serde::Serialize)]
pub struct Listing<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

pub const DEFAULT: i64 = 50;
const MOST: i64 = 200;

impl Paging {
    /// Reads `limit` and `after`; `context` names list, filters and person.
    pub fn read(limit: &str, after: &str, context: String) -> Result<Paging> {
        let limit = match limit {
            "" => DEFAULT,
            text => match text.parse() {
                Ok(limit) if (1..=MOST).contains(&limit) => limit,
                _ => {
                    return Err(Error::invalid(
                        "limit",
                        format!("must be a whole number from 1 to {MOST}"),
                    ));
                }
            },
        };
        let after = match after {
            "" => None,
            text => match open(text, &context) {
                Some(key) => Some(key),
                None => return Err(Error::invalid("after", "is not a cursor of this list")),
            },
        };
        Ok(Paging { limit, after, context })
    }

    /// The first `limit` rows of everything, for lists inside a page.
    pub fn first(limit: i64) -> Paging {
        Paging { limit, after: None, context: String::new() }
    }

    /// Whether this is the first page.
    pub fn is_first(&self) -> bool {
        self.after.is_none()
    }

    /// What to begin after; nothing at the start.
    pub fn key(&self) -> Option<(&str, i64)> {
        self.after.as_ref().map(|(value, id)| (value.as_str(), *id))
    }

    /// The sort value to begin after; empty at the start.
    pub fn value(&self) -> &str {
        self.after.as_ref().map_or("", |(value, _)| value.as_str())
    }

    /// The id to begin after; 0 at the start.
    pub fn id(&self) -> i64 {
        self.after.as_ref().map_or(0, |(_, id)| *id)
    }

    /// How many rows to fetch: one more than are shown.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Makes a page of what cannot be found by an index: `source` walks the index of the order, so
    /// many rows or more after a key, and `keep` fetches those of them that are wanted: first of a page's
    /// number, which is enough where most are, then of more at once. After `bound` rows the page
    /// ends as it is, and the next one goes on: what a page costs does not grow.
    pub fn walk<T>(
        &self,
        bound: usize,
        mut source: impl FnMut(Option<(&str, i64)>, i64) -> Result<Vec<Key>>,
        mut keep: impl FnMut(&[i64]) -> Result<Vec<(i64, T)>>,
    ) -> Result<Listing<T>> {
        let limit = usize::try_from(self.limit).unwrap_or(0);
        let most = usize::try_from(CHUNK).unwrap_or(0);
        let (mut after, mut looked, mut at_once) = (self.after.clone(), 0, limit + 1);
        let mut found: Vec<(Key, T)> = Vec::new();
        loop {
            let at = after.as_ref().map(|(value, id)| (value.as_str(), *id));
            let chunk = source(at, CHUNK)?;
            let mut rest = chunk.as_slice();
            while !rest.is_empty() && found.len() <= limit && looked < bound {
                let (piece, later) = rest.split_at(rest.len().min(at_once));
                let ids: Vec<i64> = piece.iter().map(|(_, id)| *id).collect();
                for (id, row) in keep(&ids)? {
                    let key = piece.iter().find(|(_, each)| *each == id);
                    found.extend(key.map(|key| (key.clone(), row)));
                }
                looked += piece.len();
                after = piece.last().cloned();
                rest = later;
                at_once = (4 * at_once).min(most);
            }
            let ended = chunk.len() < most && rest.is_empty();
            let full = found.len() > limit;
            if full || ended || looked >= bound {
                found.truncate(limit);
                let next = match full {
                    true => found.last().map(|(key, _)| key.clone()),
                    false => after.filter(|_| !ended),
                };
                let next = next.map(|key| seal(&key, &self.context));
                return Ok(Listing {
                    items: found.into_iter().map(|(_, row)| row).collect(),
                    next,
                });
            }
        }
    }

    /// Makes the page of what was fetched; `key` gives a row's sort value and id.
    pub fn listing<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> (String, i64)) -> Listing<T> {
        let limit = usize::try_from(self.limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| seal(&key(row), &self.context));
        Listing { items: rows, next }
    }
}

/// The sort value and the id of a row.
pub type Key = (String, i64);

/// Rows of an index that are looked at at once.
pub const CHUNK: i64 = 500;

impl<T> Listing<T> {
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

fn seal((value, id): &(String, i64), context: &str) -> String {
    let plain = format!("{id}:{value}");
    format!("{}.{}", B64.encode(&plain), sign(&plain, context))
}

fn open(text: &str, context: &str) -> Option<(String, i64)> {
    let (plain, signature) = text.split_once('.')?;
    let plain = String::from_utf8(B64.decode(plain).ok()?).ok()?;
    if !secret::same(sign(&plain, context).as_bytes(), signature.as_bytes()) {
        return None;
    }
    let (id, value) = plain.split_once(':')?;
    Some((value.to_owned(), id.parse().ok()?))
}

fn sign(plain: &str, context: &str) -> String {
    let digest = sha256(format!("{context}\n{plain}").as_bytes());
    B64.encode(digest.get(..12).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_ends_at_its_bound_and_goes_on_from_there() {
        let all: Vec<Key> = (1..=2_000).map(|id| (format!("{id:04}"), id)).collect();
        let source = |after: Option<(&str, i64)>, most: i64| {
            let from = after.map_or(0, |(_, id)| usize::try_from(id).unwrap());
            Ok(all[from..].iter().take(usize::try_from(most).unwrap()).cloned().collect())
        };
        let walk = |after: &str, every: i64| {
            let keep = |ids: &[i64]| {
                Ok(ids.iter().filter(|id| **id % every == 0).map(|id| (*id, *id)).collect())
            };
            Paging::read("2", after, String::new()).unwrap().walk(1_000, source, keep).unwrap()
        };
        let first = walk("", 300);
        assert_eq!(first.items, [300, 600]);
        assert_eq!(walk(&first.next.unwrap(), 300).items, [900, 1_200]);
        let rare = walk("", 1_900);
        assert_eq!(rare.items, [0; 0], "nothing among the first thousand");
        let rest = walk(&rare.next.unwrap(), 1_900);
        assert_eq!(rest.items, [1_900]);
        assert_eq!(walk(&rest.next.unwrap(), 1_900).next, None);
        assert!(walk("", 5_000).next.is_some());
    }

    #[test]
    fn a_cursor_fits_its_own_list_only() {
        let first = Paging::read("2", "", "users by 1".into()).unwrap();
        let page =
            first.listing(vec![("Ann", 1), ("Bo", 2), ("Cy", 3)], |row| (row.0.into(), row.1));
        assert_eq!(page.items.len(), 2);
        let next = page.next.unwrap();
        let second = Paging::read("2", &next, "users by 1".into()).unwrap();
        assert_eq!((second.value(), second.id()), ("Bo", 2));
        assert!(Paging::read("2", &next, "users by 2".into()).is_err());
        assert!(Paging::read("0", "", String::new()).is_err());
        assert!(Paging::read("2", "nonsense", String::new()).is_err());
    }
}
