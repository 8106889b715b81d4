//! The list of rights at an object of Active Directory, as far as it is read here: whether one account
//! may delete what lies below, and set a password.

/// The classes that are made, and the right to set a password without knowing the old one, as rights
/// name them.
pub const UNIT: &str = "bf967aa5-0de6-11d0-a285-00aa003049e2";
pub const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";
pub const GROUP: &str = "bf967a9c-0de6-11d0-a285-00aa003049e2";
pub const RESET: &str = "00299570-246d-11d0-a768-00aa006e0529";

/// What everybody who has signed in is besides: everyone, and an authenticated user.
pub const EVERYBODY: [&[u8]; 2] =
    [&[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], &[1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0]];

const DELETE_CHILD: u32 = 0x2;
const CONTROL: u32 = 0x100;
const ALL: u32 = 0x1000_0000;
/// Of an entry that counts for what lies below alone.
const INHERIT_ONLY: u8 = 0x8;

/// What the list says to whoever is all of `own`.
pub struct Rights<'r> {
    pub list: &'r [u8],
    pub own: &'r [Vec<u8>],
}

/// One entry of the list.
struct Ace<'a> {
    allows: bool,
    mask: u32,
    /// Empty: for every class, attribute or right.
    object: Option<String>,
    sid: &'a [u8],
}

impl Rights<'_> {
    /// Whether objects of the class may be deleted directly below. None: the list is not well formed.
    pub fn may_delete(&self, class: &str) -> Option<bool> {
        self.may(DELETE_CHILD, class)
    }

    pub fn may_reset(&self) -> Option<bool> {
        self.may(CONTROL, RESET)
    }

    /// The first entry that is about it decides.
    fn may(&self, mask: u32, object: &str) -> Option<bool> {
        let about = |ace: &Ace| {
            (ace.mask & mask != 0 || ace.mask & ALL != 0)
                && ace.object.as_deref().is_none_or(|guid| guid == object)
                && self.own.iter().any(|sid| sid == ace.sid)
        };
        Some(entries(self.list)?.into_iter().find(about).is_some_and(|ace| ace.allows))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let part = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(part.try_into().ok()?)).ok()
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let part = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes(part.try_into().ok()?)))
}

/// The entries that count for the object itself. A description without a list allows everybody
/// everything; that is not read as a right here.
fn entries(description: &[u8]) -> Option<Vec<Ace<'_>>> {
    let list = match number(description, 16)? {
        0 => return Some(Vec::new()),
        at => description.get(at..)?,
    };
    let mut rest = list.get(8..short(list, 2)?)?;
    let mut all = Vec::new();
    for _ in 0..short(list, 4)? {
        let (ace, after) = rest.split_at_checked(short(rest, 2)?)?;
        let [kind, flags, ..] = ace else { return None };
        if flags & INHERIT_ONLY == 0 {
            all.extend(entry(*kind, ace));
        }
        rest = after;
    }
    Some(all)
}

/// Entries of other kinds are about what is recorded, not about what is allowed.
fn entry(kind: u8, ace: &[u8]) -> Option<Ace<'_>> {
    let allows = matches!(kind, 0 | 5);
    if !allows && !matches!(kind, 1 | 6) {
        return None;
    }
    let mask = u32::try_from(number(ace, 4)?).ok()?;
    if kind < 2 {
        return Some(Ace { allows, mask, object: None, sid: sid(ace.get(8..)?)? });
    }
    let which = number(ace, 8)?;
    let mut rest = ace.get(12..)?;
    let mut object = None;
    if which & 1 != 0 {
        let (guid, after) = rest.split_at_checked(16)?;
        object = super::ad::guid(guid);
        rest = after;
    }
    if which & 2 != 0 {
        rest = rest.get(16..)?;
    }
    Some(Ace { allows, mask, object, sid: sid(rest)? })
}

/// As long as it says.
fn sid(bytes: &[u8]) -> Option<&[u8]> {
    let count = usize::from(*bytes.get(1)?);
    bytes.get(..count.checked_mul(4)?.checked_add(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 77, 0, 0, 0];

    fn guid(text: &str) -> Vec<u8> {
        let hex: String = text.replace('-', "");
        let byte = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap();
        [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map(byte).to_vec()
    }

    fn ace(kind: u8, flags: u8, mask: u32, object: Option<&str>, sid: &[u8]) -> Vec<u8> {
        let mut body = mask.to_le_bytes().to_vec();
        if kind > 1 {
            body.extend(u32::from(object.is_some()).to_le_bytes());
            body.extend(object.map(guid).unwrap_or_default());
        }
        body.extend(sid);
        let size = u16::try_from(body.len() + 4).unwrap();
        [&[kind, flags][..], &size.to_le_bytes(), &body].concat()
    }

    fn description(aces: &[Vec<u8>]) -> Vec<u8> {
        let body = aces.concat();
        let size = u16::try_from(body.len() + 8).unwrap();
        let count = u16::try_from(aces.len()).unwrap();
        let mut all = vec![1, 0, 4, 128];
        for offset in [0_u32, 0, 0, 20] {
            all.extend(offset.to_le_bytes());
        }
        all.extend([4, 0]);
        all.extend(size.to_le_bytes());
        all.extend(count.to_le_bytes());
        all.extend([0, 0]);
        all.extend(body);
        all
    }

    fn of(aces: &[Vec<u8>]) -> (Option<bool>, Option<bool>) {
        let (list, own) = (description(aces), [ME.to_vec()]);
        let rights = Rights { list: &list, own: &own };
        (rights.may_delete(USER), rights.may_reset())
    }

    #[test]
    fn the_first_entry_about_it_decides() {
        assert_eq!(of(&[]), (Some(false), Some(false)));
        assert_eq!(of(&[ace(5, 0, 3, Some(USER), &ME)]), (Some(true), Some(false)));
        assert_eq!(of(&[ace(5, 0, 3, Some(GROUP), &ME)]), (Some(false), Some(false)));
        assert_eq!(of(&[ace(5, 0, 0x100, Some(RESET), &ME)]), (Some(false), Some(true)));
        assert_eq!(of(&[ace(0, 0, 0xf01ff, None, &ME)]), (Some(true), Some(true)));
        assert_eq!(of(&[ace(5, 0, 0x100, None, &ME)]), (Some(false), Some(true)));
        let denied = [ace(6, 0, 2, Some(USER), &ME), ace(0, 0, 0xf01ff, None, &ME)];
        assert_eq!(of(&denied), (Some(false), Some(true)));
        let inherited = [ace(5, 2 | 8, 3, Some(USER), &ME), ace(2, 0, 0x1ff, None, &ME)];
        assert_eq!(of(&inherited), (Some(false), Some(false)));
        let other = [ace(0, 0, 0xf01ff, None, EVERYBODY[0])];
        assert_eq!(of(&other), (Some(false), Some(false)));
    }

    #[test]
    fn what_is_cut_short_is_no_list() {
        let whole = description(&[ace(5, 0, 3, Some(USER), &ME)]);
        let own = [ME.to_vec()];
        for end in 0..whole.len() {
            let rights = Rights { list: &whole[..end], own: &own };
            assert_ne!(rights.may_delete(USER), Some(true), "{end}");
        }
    }
}
