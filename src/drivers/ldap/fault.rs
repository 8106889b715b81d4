//! What went wrong at a directory, in a class that says whether another try may help.

use crate::drivers::Outcome;
use crate::error::Error;
use std::fmt;

words! {
    /// An unknown one is tried again, but not as often.
    Class { Transient = "transient", Permanent = "permanent", Unknown = "unknown" }
}

words! {
    /// What was being done.
    Stage {
        Address = "address", Connect = "connect", Tls = "tls", Bind = "bind", Call = "call",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub stage: Stage,
    pub class: Class,
    /// The directory's result code, where it gave one.
    pub code: Option<u32>,
    pub text: String,
}

/// No such object.
pub const ABSENT: u32 = 32;
pub const NO_SUCH_ATTRIBUTE: u32 = 16;
pub const UNDEFINED_ATTRIBUTE: u32 = 17;
pub const CONSTRAINT: u32 = 19;
pub const VALUE_EXISTS: u32 = 20;
pub const BAD_SYNTAX: u32 = 21;
pub const WRONG_PASSWORD: u32 = 49;
pub const NO_RIGHT: u32 = 50;
pub const UNWILLING: u32 = 53;
pub const OBJECT_CLASS: u32 = 65;
pub const NOT_A_LEAF: u32 = 66;
pub const EXISTS: u32 = 68;

impl Fault {
    pub fn new(stage: Stage, class: Class, text: impl Into<String>) -> Fault {
        Fault { stage, class, code: None, text: text.into() }
    }

    pub fn network(stage: Stage, text: impl Into<String>) -> Fault {
        Fault::new(stage, Class::Transient, text)
    }

    pub fn refused(text: impl Into<String>) -> Fault {
        Fault::new(Stage::Call, Class::Permanent, text)
    }

    pub fn is(&self, code: u32) -> bool {
        self.code == Some(code)
    }

    /// What a result code and the directory's own words come to.
    pub fn of_code(stage: Stage, code: u32, said: &str) -> Fault {
        let class = match code {
            51 | 52 | 80 | 81 | 85 => Class::Transient,
            1 | 3 | 11 => Class::Unknown,
            _ => Class::Permanent,
        };
        let said = said.trim().trim_matches('\0');
        let mut text = format!("The directory answered {code}: {}", meaning(code, said));
        if !said.is_empty() {
            text.push_str(&format!(" It said: “{}”.", short(said)));
        }
        Fault { stage, class, code: Some(code), text }
    }

    pub fn outcome(self) -> Outcome {
        match self.class {
            Class::Transient => Outcome::Retry { after: None, text: self.text },
            Class::Permanent => Outcome::Refused { text: self.text },
            Class::Unknown => Outcome::Unknown { text: self.text },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Something here, not there.
impl From<Error> for Fault {
    fn from(err: Error) -> Fault {
        Fault::new(Stage::Call, Class::Unknown, format!("Something went wrong here: {err}"))
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn meaning(code: u32, said: &str) -> &'static str {
    // Active Directory says in its text why nobody comes in.
    let data = |number: &str| said.contains(&format!("data {number},"));
    match code {
        8 | 13 => "it asks for an encrypted connection.",
        10 => "what is asked for is in another directory, and referrals are not followed.",
        4 | 11 => "it gives no more results than that.",
        NO_SUCH_ATTRIBUTE | UNDEFINED_ATTRIBUTE => "it does not know an attribute.",
        CONSTRAINT if said.contains("0000052D") => "it refuses this password.",
        CONSTRAINT => "a value breaks a rule of the directory.",
        VALUE_EXISTS => "the value is there already.",
        BAD_SYNTAX => "a value has the wrong form.",
        ABSENT => "there is no such object.",
        34 => "the name of an object is not well formed.",
        WRONG_PASSWORD if data("533") => "the account is disabled.",
        WRONG_PASSWORD if data("532") => "the password of the account has expired.",
        WRONG_PASSWORD if data("701") => "the account has expired.",
        WRONG_PASSWORD if data("773") => "the password of the account must be changed first.",
        WRONG_PASSWORD if data("775") => "the account is locked.",
        WRONG_PASSWORD if data("525") => "there is no account of that name.",
        WRONG_PASSWORD => "the name or the password is wrong.",
        NO_RIGHT => "the account that Portico signs in with has no right to do this.",
        51 | 52 => "it is busy or not ready.",
        UNWILLING => "it is not willing to do this.",
        64 | OBJECT_CLASS => "the object would not be of a form that it allows.",
        NOT_A_LEAF => "there is something below the object.",
        EXISTS => "an object of that name is there already.",
        80 => "something went wrong inside it.",
        _ => "it did not do it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fall_into_classes() {
        for (code, class) in [
            (51, Class::Transient),
            (52, Class::Transient),
            (80, Class::Transient),
            (81, Class::Transient),
            (85, Class::Transient),
            (1, Class::Unknown),
            (3, Class::Unknown),
            (50, Class::Permanent),
            (19, Class::Permanent),
            (49, Class::Permanent),
            (10, Class::Permanent),
            (68, Class::Permanent),
            (999, Class::Permanent),
        ] {
            assert_eq!(Fault::of_code(Stage::Call, code, "").class, class, "{code}");
        }
    }

    #[test]
    fn the_reason_of_active_directory_is_put_into_words() {
        let said = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 533, v1db1\0";
        let fault = Fault::of_code(Stage::Bind, 49, said);
        assert!(fault.text.contains("the account is disabled. It said: “80090308"), "{fault}");
        assert!(!fault.text.contains('\0'));
        let fault = Fault::of_code(
            Stage::Call,
            19,
            "0000052D: Constraint violation - check_password_restrictions",
        );
        assert!(fault.text.contains("it refuses this password"), "{fault}");
    }
}
