//! What ends a sign-in, a token, a link.
