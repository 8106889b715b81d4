//! Search filters (RFC 4515). This is the only way to make one: values are always escaped.

use super::name::Dn;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Present(&'static str),
    Equals(&'static str, Vec<u8>),
    Begins(&'static str, String),
    AtLeast(&'static str, i64),
    /// Of texts that sort as what they say does, like times.
    From(&'static str, String),
    /// Of Active Directory: all these bits are set.
    Bits(&'static str, i64),
}

impl Filter {
    pub fn is(attribute: &'static str, value: &str) -> Filter {
        Filter::Equals(attribute, value.as_bytes().to_vec())
    }

    pub fn names(attribute: &'static str, name: &Dn) -> Filter {
        Filter::Equals(attribute, name.to_string().into_bytes())
    }

    pub fn negated(self) -> Filter {
        Filter::Not(Box::new(self))
    }

    /// Of whatever there is.
    pub fn anything() -> Filter {
        Filter::Present("objectClass")
    }
}

/// Letters and digits stay; the rest is written by number, so that there is nothing to forget.
fn escaped(f: &mut fmt::Formatter<'_>, value: &[u8]) -> fmt::Result {
    for byte in value {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'@' | b'_' => {
                write!(f, "{}", char::from(*byte))?;
            }
            byte => write!(f, "\\{byte:02x}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |f: &mut fmt::Formatter<'_>, sign: &str, parts: &[Filter]| {
            write!(f, "({sign}")?;
            parts.iter().try_for_each(|part| part.fmt(f))?;
            f.write_str(")")
        };
        match self {
            Filter::All(parts) => several(f, "&", parts),
            Filter::Any(parts) => several(f, "|", parts),
            Filter::Not(part) => write!(f, "(!{part})"),
            Filter::Present(attribute) => write!(f, "({attribute}=*)"),
            Filter::Equals(attribute, value) => {
                write!(f, "({attribute}=")?;
                escaped(f, value)?;
                f.write_str(")")
            }
            Filter::Begins(attribute, value) => {
                write!(f, "({attribute}=")?;
                escaped(f, value.as_bytes())?;
                f.write_str("*)")
            }
            Filter::AtLeast(attribute, value) => write!(f, "({attribute}>={value})"),
            Filter::From(attribute, value) => {
                write!(f, "({attribute}>=")?;
                escaped(f, value.as_bytes())?;
                f.write_str(")")
            }
            Filter::Bits(attribute, bits) => {
                write!(f, "({attribute}:1.2.840.113556.1.4.803:={bits})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn filters_are_written_as_the_standard_says() {
        let of = Filter::All(vec![
            Filter::is("objectClass", "user"),
            Filter::Any(vec![Filter::is("cn", "*)(uid=*"), Filter::Begins("sn", "Ö".into())]),
            Filter::Present("mail").negated(),
            Filter::Bits("userAccountControl", 2),
        ]);
        assert_eq!(
            of.to_string(),
            "(&(objectClass=user)(|(cn=\\2a\\29\\28uid\\3d\\2a)(sn=\\c3\\96*))(!(mail=*))\
             (userAccountControl:1.2.840.113556.1.4.803:=2))"
        );
    }

    proptest! {
        /// A value cannot open a part of its own: the text has the parts that were made, and the
        /// parser of the client takes it.
        #[test]
        fn a_value_stays_a_value(value in "\\PC{0,60}|[()*\\\\&|!=\\x00-\\x1f]{0,30}") {
            let text = Filter::All(vec![Filter::is("cn", &value), Filter::Present("sn")]).to_string();
            prop_assert_eq!(text.matches('(').count(), 3);
            prop_assert_eq!(text.matches(')').count(), 3);
            prop_assert_eq!(text.matches('*').count(), 1);
            prop_assert!(ldap3::parse_filter(text.as_bytes()).is_ok());
        }
    }
}
