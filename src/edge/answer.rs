//! The body of an answer on its way to a client: bytes, or a file that is gone once it is sent.
//! It tells the clock how far it is, because a client must take so many bytes each second.

use super::clock::{Clock, Phase};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

/// How much of a file is read at a time.
const PIECE: usize = 64 << 10;

pub enum Content {
    Bytes(Bytes),
    /// A file without a name any more, and its length.
    File(File, u64),
}

pub struct Answer {
    content: Content,
    pace: Option<Pace>,
}

/// Moves the clock on as the answer goes out.
struct Pace {
    clock: Arc<Clock>,
    since: Instant,
    grace: Duration,
    bytes_a_second: u64,
    handed: u64,
}

impl Content {
    pub fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Content::File(_, left) => *left,
        }
    }
}

impl Answer {
    pub fn new(content: Content) -> Answer {
        Answer { content, pace: None }
    }

    pub fn empty() -> Answer {
        Answer::new(Content::Bytes(Bytes::new()))
    }

    /// From here on the client is given `grace` and a second for each `bytes_a_second`.
    pub fn start(&mut self, clock: &Arc<Clock>, grace: Duration, bytes_a_second: u64) {
        let clock = clock.clone();
        let mut pace = Pace { clock, since: Instant::now(), grace, bytes_a_second, handed: 0 };
        pace.hand(0, self.is_end_stream());
        self.pace = Some(pace);
    }

    fn hand(&mut self, count: usize) {
        let last = self.is_end_stream();
        if let Some(pace) = &mut self.pace {
            pace.hand(count, last);
        }
    }
}

impl Pace {
    fn hand(&mut self, count: usize, last: bool) {
        self.handed += u64::try_from(count).unwrap_or(u64::MAX);
        let due = Duration::from_secs(self.handed / self.bytes_a_second.max(1));
        let left = (self.grace + due).saturating_sub(self.since.elapsed());
        self.clock.set(if last { Phase::Writing } else { Phase::Sending }, left);
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let answer = self.get_mut();
        let data = match &mut answer.content {
            Content::Bytes(bytes) => std::mem::take(bytes),
            Content::File(_, 0) => return Poll::Ready(None),
            Content::File(file, left) => {
                let piece = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
                let mut room = vec![0; piece];
                let mut read = ReadBuf::new(&mut room);
                ready!(Pin::new(file).poll_read(cx, &mut read))?;
                let count = read.filled().len();
                if count == 0 {
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                *left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                room.truncate(count);
                Bytes::from(room)
            }
        };
        if data.is_empty() {
            return Poll::Ready(None);
        }
        answer.hand(data.len());
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.content.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.len())
    }
}
