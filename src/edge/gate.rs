//! Between the socket and hyper. Hands on a head only when it is whole and has been checked, and of
//! what follows only its body, so hyper never holds a byte that the check has not placed. What a
//! client sends ahead waits here until the answer before it has gone out.

use super::Limits;
use super::clock::{Clock, Phase};
use super::head::{Framing, Scanner};
use hyper::StatusCode;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

pub struct Gate<S> {
    pub stream: S,
    /// Why no more is read, once that is so.
    pub refused: Option<StatusCode>,
    pub scanner: Scanner,
    clock: Arc<Clock>,
    limits: Arc<Limits>,
    /// Read from the socket and not handed on yet.
    held: Vec<u8>,
    /// How many bytes at the front of `held` are a checked head.
    open: usize,
    body: Framing,
}

impl<S: AsyncRead + Unpin> Gate<S> {
    pub fn new(stream: S, clock: Arc<Clock>, limits: Arc<Limits>) -> Gate<S> {
        let (refused, scanner, held) = (None, Scanner::default(), Vec::new());
        Gate { stream, refused, scanner, clock, limits, held, open: 0, body: Framing::Length(0) }
    }

    /// Hands on at most `most` of what is held; how much that was.
    fn hand_on(&mut self, most: usize, buf: &mut ReadBuf<'_>) -> usize {
        let count = most.min(self.held.len()).min(buf.remaining());
        buf.put_slice(self.held.get(..count).unwrap_or_default());
        self.held.drain(..count);
        if self.held.is_empty() {
            self.held = Vec::new(); // thousands of idle connections keep no memory
        }
        count
    }

    /// Reads once into `held`; how much that was, 0 at the end of the stream.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [0; 4096];
        let mut read = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.held.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.body != Framing::Length(0) {
            return Poll::Ready(Ok(())); // what is left of a body is nobody's request
        }
        loop {
            if !self.held.is_empty() {
                if self.clock.phase() == Phase::Idle {
                    self.clock.set(Phase::Head, self.limits.head);
                }
                match self.scanner.read(&self.held, &self.limits) {
                    Ok(Some((length, framing))) => {
                        (self.open, self.body) = (length, framing);
                        self.scanner = Scanner::default();
                        self.clock.set(Phase::Busy, self.limits.body + 3 * self.limits.backend);
                        self.open -= self.hand_on(self.open, buf);
                        return Poll::Ready(Ok(()));
                    }
                    Ok(None) => {}
                    Err(status) => {
                        self.refused = Some(status);
                        return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                    }
                }
            }
            if ready!(self.poll_more(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.body {
            Framing::Length(0) => self.poll_ahead(cx),
            Framing::Length(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                let mut count = self.hand_on(most, buf);
                if count == 0 {
                    let before = buf.filled().len();
                    ready!(Pin::new(&mut (&mut self.stream).take(left)).poll_read(cx, buf))?;
                    count = buf.filled().len() - before;
                }
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                self.body = Framing::Length(left.saturating_sub(count));
                Poll::Ready(Ok(()))
            }
            // Where the chunks end only hyper knows, so the connection ends with this request.
            Framing::Chunked => match self.hand_on(usize::MAX, buf) {
                0 => Pin::new(&mut self.stream).poll_read(cx, buf),
                _ => Poll::Ready(Ok(())),
            },
        }
    }

    /// Nothing is due while an answer is on its way, but a client that has gone must be noticed.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.held.len() < self.limits.head_bytes {
            if ready!(self.poll_more(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending // the flush at the end of the answer wakes it
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if gate.refused.is_some() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        if gate.open > 0 {
            gate.open -= gate.hand_on(gate.open, buf);
            return Poll::Ready(Ok(()));
        }
        match gate.clock.phase() {
            Phase::Idle | Phase::Head => gate.poll_head(cx, buf),
            Phase::Busy | Phase::Sending | Phase::Writing => gate.poll_body(cx, buf),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    /// When hyper has nothing left to write, the client has time to think again.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        ready!(Pin::new(&mut gate.stream).poll_flush(cx))?;
        if gate.clock.phase() == Phase::Writing {
            gate.clock.set(Phase::Idle, gate.limits.idle);
            if !gate.held.is_empty() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }
}
