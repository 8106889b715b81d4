//! The head of a request, checked byte by byte before hyper sees it. Stricter than hyper: lines
//! end in CRLF, one Host, one Content-Length of digits or `Transfer-Encoding: chunked`, never
//! both. Whoever reads the same bytes another way would see a second request in the first.

use super::Limits;
use hyper::StatusCode;
use hyper::http::uri::PathAndQuery;

/// How the bytes after the head are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
}

/// Takes a head line by line, as it comes; no byte is looked at twice.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Where the line begins that has not ended yet.
    line: usize,
    seen: usize,
    lines: usize,
    old: bool,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    pub is_api: bool,
    pub is_head: bool,
}

impl Scanner {
    /// `bytes` is all that has come so far. The head's length when it is complete.
    pub fn read(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<(usize, Framing)>, StatusCode> {
        while let Some(rest) = bytes.get(self.seen..)
            && let Some(at) = rest.iter().position(|b| *b == b'\n')
        {
            let end = self.seen + at;
            let line = bytes.get(self.line..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").ok_or(StatusCode::BAD_REQUEST)?;
            (self.line, self.seen) = (end + 1, end + 1);
            if end >= limits.head_bytes {
                return Err(self.too_large());
            }
            match (self.lines, line.is_empty()) {
                // An empty line before the first is left over from a careless client.
                (0, true) => continue,
                (0, false) => self.request_line(line, limits)?,
                (_, true) => return self.framing().map(|framing| Some((end + 1, framing))),
                (n, false) if n > limits.headers => return Err(self.too_large()),
                (_, false) => self.header(line)?,
            }
            self.lines += 1;
        }
        self.seen = bytes.len();
        if bytes.len() > limits.head_bytes { Err(self.too_large()) } else { Ok(None) }
    }

    fn too_large(&self) -> StatusCode {
        match self.lines {
            0 => StatusCode::URI_TOO_LONG,
            _ => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    fn request_line(&mut self, line: &[u8], limits: &Limits) -> Result<(), StatusCode> {
        let mut parts = line.split(|b| *b == b' ');
        let (method, target, version) = match (parts.next(), parts.next(), parts.next()) {
            (Some(method), Some(target), Some(version)) if parts.next().is_none() => {
                (method, target, version)
            }
            _ => return Err(StatusCode::BAD_REQUEST),
        };
        self.is_head = method == b"HEAD";
        self.is_api = is_api(target);
        self.old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', a, b'.', b]
                if a.is_ascii_digit() && b.is_ascii_digit() =>
            {
                return Err(StatusCode::HTTP_VERSION_NOT_SUPPORTED);
            }
            _ => return Err(StatusCode::BAD_REQUEST),
        };
        match method {
            b"GET" | b"HEAD" | b"POST" | b"PUT" | b"PATCH" | b"DELETE" => {}
            b"OPTIONS" | b"TRACE" | b"CONNECT" => return Err(StatusCode::METHOD_NOT_ALLOWED),
            _ if is_token(method) => return Err(StatusCode::NOT_IMPLEMENTED),
            _ => return Err(StatusCode::BAD_REQUEST),
        }
        if target.len() > limits.target_bytes {
            return Err(StatusCode::URI_TOO_LONG);
        }
        let is_clean = target.iter().all(|b| b.is_ascii_graphic() && *b != b'#');
        match target.first() == Some(&b'/') && is_clean && PathAndQuery::try_from(target).is_ok() {
            true => Ok(()),
            false => Err(StatusCode::BAD_REQUEST),
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), StatusCode> {
        let colon = line.iter().position(|b| *b == b':').ok_or(StatusCode::BAD_REQUEST)?;
        let (name, value) = line.split_at_checked(colon).ok_or(StatusCode::BAD_REQUEST)?;
        let value = value.strip_prefix(b":").unwrap_or_default();
        if !is_token(name) || !value.iter().all(|b| *b == b'\t' || (0x20..0x7f).contains(b)) {
            return Err(StatusCode::BAD_REQUEST);
        }
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
            if !value.iter().all(|b| b.is_ascii_alphanumeric() || b".-_:[]%".contains(b)) {
                return Err(StatusCode::BAD_REQUEST);
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() || value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                return Err(StatusCode::BAD_REQUEST);
            }
            let length: Option<u64> = str::from_utf8(value).ok().and_then(|d| d.parse().ok());
            let length = length.filter(|length| *length < u64::MAX / 2);
            self.length = Some(length.ok_or(StatusCode::PAYLOAD_TOO_LARGE)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || self.old {
                return Err(StatusCode::BAD_REQUEST);
            }
            self.chunked = true;
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(StatusCode::NOT_IMPLEMENTED);
            }
        } else if name.eq_ignore_ascii_case(b"expect")
            && !value.eq_ignore_ascii_case(b"100-continue")
        {
            return Err(StatusCode::EXPECTATION_FAILED);
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, StatusCode> {
        let named = self.hosts == 1 || (self.hosts == 0 && self.old);
        match (named, self.chunked, self.length) {
            (false, _, _) | (true, true, Some(_)) => Err(StatusCode::BAD_REQUEST),
            (true, true, None) => Ok(Framing::Chunked),
            (true, false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Whether a program asked, which reads problems rather than pages.
pub fn is_api(target: &[u8]) -> bool {
    let path = target.split(|b| *b == b'?').next().unwrap_or_default();
    path == b"/scim" || path.starts_with(b"/scim/") || path.starts_with(b"/api/")
}

fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

#[cfg(test)]
mod tests {
    use super::{Framing, Scanner};
    use crate::edge::Limits;
    use hyper::StatusCode;

    fn read(head: &[u8]) -> Result<Option<(usize, Framing)>, u16> {
        Scanner::default().read(head, &Limits::default()).map_err(|s: StatusCode| s.as_u16())
    }

    #[test]
    fn a_head_that_comes_byte_by_byte_reads_as_one_that_comes_at_once() {
        let head = b"\r\nPOST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(read(head), Ok(Some((head.len(), Framing::Length(12)))));
        let mut scanner = Scanner::default();
        for n in 0..head.len() {
            assert_eq!(scanner.read(&head[..n], &Limits::default()), Ok(None), "{n}");
        }
        let whole = scanner.read(head, &Limits::default());
        assert_eq!(whole, Ok(Some((head.len(), Framing::Length(12)))));
    }

    #[test]
    fn the_end_of_the_head_is_where_the_next_bytes_begin() {
        let head = b"GET / HTTP/1.0\r\n\r\nGET /next";
        assert_eq!(read(head), Ok(Some((18, Framing::Length(0)))));
    }

    #[test]
    fn a_wrong_request_line_is_refused_before_the_head_is_complete() {
        for (line, status) in [
            ("GET /", 400),
            ("GET  / HTTP/1.1", 400),
            ("GET / HTTP/1.1 junk", 400),
            ("GET /\tb HTTP/1.1", 400),
            ("GET x HTTP/1.1", 400),
            ("GET /a#b HTTP/1.1", 400),
            ("GET /<a> HTTP/1.1", 400),
            ("G{}T / HTTP/1.1", 400),
            ("GET / HTTP/1.12", 400),
            ("GET / HTTP/2.0", 505),
            ("TRACE / HTTP/1.1", 405),
            ("get / HTTP/1.1", 501),
        ] {
            assert_eq!(read(format!("{line}\r\n").as_bytes()), Err(status), "{line}");
        }
    }

    #[test]
    fn length_and_coding_are_never_taken_together_in_any_order() {
        for lines in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Content-Length: 5\r\nContent-Length: 5",
        ] {
            let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n");
            assert_eq!(read(head.as_bytes()), Err(400), "{lines}");
        }
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n";
        assert_eq!(read(head), Ok(Some((head.len(), Framing::Chunked))));
    }

    #[test]
    fn too_much_is_refused_by_what_is_too_much() {
        let header = "a: b\r\n".repeat(70);
        assert_eq!(read(format!("GET / HTTP/1.1\r\n{header}").as_bytes()), Err(431));
        let long = "a".repeat(20_000);
        assert_eq!(read(format!("GET / HTTP/1.1\r\nX: {long}").as_bytes()), Err(431));
        assert_eq!(read(format!("GET /{long}").as_bytes()), Err(414));
        let target = "a".repeat(5_000);
        assert_eq!(read(format!("GET /{target} HTTP/1.1\r\n").as_bytes()), Err(414));
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n";
        assert_eq!(read(head), Err(413));
    }
}
