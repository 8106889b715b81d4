//! The one error type. Its variants are what a caller can do something about; the rest is `Internal`.

use std::borrow::Cow;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    /// 400: what was sent cannot be read at all.
    Malformed(String),
    /// 401, or a redirect to the sign-in page.
    LoginRequired,
    /// 403: the asker may see the thing but not do this to it, or the form's token is wrong. The
    /// text says what is missing.
    Forbidden(String),
    /// 403: whoever asks must prove once more who they are; a page asks for it and then goes on.
    Again,
    /// 404: it does not exist, or it lies outside the asker's scope. Nobody can tell which.
    NotFound,
    /// 405: the path exists, for the methods named.
    NotAllowed(String),
    /// 421: the name in the Host header is not ours.
    Misdirected,
    /// 409: the same thing is being done at this moment.
    Conflict(String),
    /// 412: it changed since it was read.
    Stale(String),
    /// 422: what was sent cannot be accepted, field by field.
    Invalid(Vec<Complaint>),
    /// 429: too many at once; try again after so many seconds.
    TooMany(u32, String),
    /// 503: nobody has set this installation up.
    NotSetUp,
    /// 500: logged once, where the response is made, and never shown.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with one field, or with the whole when `field` is empty. A message that starts
/// with a small letter follows its field's label ("Name" "is required").
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Complaint {
    pub field: Cow<'static, str>,
    pub message: String,
}

impl Complaint {
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Complaint {
        Complaint { field: field.into(), message: message.into() }
    }
}

impl Error {
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Error {
        Error::Invalid(vec![Complaint::new(field, message)])
    }

    /// A refusal of the whole, not of one field.
    pub fn refused(message: impl Into<String>) -> Error {
        Error::invalid("", message)
    }

    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Internal(cause.into())
    }

    pub fn status(&self) -> u16 {
        match self {
            Error::Malformed(_) => 400,
            Error::LoginRequired => 401,
            Error::Forbidden(_) | Error::Again => 403,
            Error::NotFound => 404,
            Error::NotAllowed(_) => 405,
            Error::Misdirected => 421,
            Error::Conflict(_) => 409,
            Error::Stale(_) => 412,
            Error::Invalid(_) => 422,
            Error::TooMany(..) => 429,
            Error::Internal(_) => 500,
            Error::NotSetUp => 503,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::LoginRequired => f.write_str("Sign in first."),
            Error::Malformed(text)
            | Error::Forbidden(text)
            | Error::Conflict(text)
            | Error::Stale(text)
            | Error::TooMany(_, text) => f.write_str(text),
            Error::NotAllowed(methods) => write!(f, "Only {methods} can be asked here."),
            Error::Misdirected => f.write_str("This name is not set up here."),
            Error::Again => f.write_str("Give your password once more first."),
            Error::NotFound => f.write_str("There is no such thing, or not for you."),
            Error::Invalid(complaints) => {
                for (n, complaint) in complaints.iter().enumerate() {
                    if n > 0 {
                        f.write_str("; ")?;
                    }
                    match complaint.field.as_ref() {
                        "" => f.write_str(&complaint.message)?,
                        field => write!(f, "{field} {}", complaint.message)?,
                    }
                }
                Ok(())
            }
            Error::NotSetUp => f.write_str("Not set up yet."),
            Error::Internal(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<rusqlite::Error> for Error {
    fn from(err: rusqlite::Error) -> Error {
        Error::Internal(Box::new(err))
    }
}

impl From<serde_json::Error> for Error {
    fn from(err: serde_json::Error) -> Error {
        Error::Internal(Box::new(err))
    }
}

impl From<std::io::Error> for Error {
    fn from(err: std::io::Error) -> Error {
        Error::Internal(Box::new(err))
    }
}
