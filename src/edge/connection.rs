//! One client's connection: hyper speaks, the clock decides how long, and whoever is sent away is
//! told why and given a moment to read it.

use super::admission::Place;
use super::answer::Answer;
use super::clock::{Clock, Phase};
use super::counters::Counters;
use super::forwarded::{Origin, Scheme, new_request_id};
use super::gate::Gate;
use super::refusal::Refusal;
use super::relay::{Relay, refuse};
use hyper::body::Incoming as Received;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

/// What all connections share.
pub struct Shared {
    pub relay: Arc<Relay>,
    pub counters: Arc<Counters>,
    pub trusted: Vec<IpNet>,
}

/// How a connection came to its end.
enum End {
    /// hyper is done with it, or the gate refused to go on.
    Done,
    Late(Phase),
    Evicted,
}

pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    stream: S,
    peer: IpAddr,
    scheme: Scheme,
    clock: Arc<Clock>,
    mut draining: watch::Receiver<()>,
    _place: Place,
) {
    let limits = shared.relay.limits.clone();
    clock.set(Phase::Idle, limits.idle);
    let gate = Gate::new(stream, clock.clone(), limits.clone());
    let service = {
        let (shared, clock) = (shared.clone(), clock.clone());
        service_fn(move |request| {
            let (shared, clock) = (shared.clone(), clock.clone());
            Box::pin(async move { shared.answer(request, peer, scheme, &clock).await })
        })
    };
    let mut connection = http1::Builder::new()
        .max_headers(limits.headers + 1)
        .max_buf_size(limits.head_bytes.max(8192))
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(gate), service);
    let mut closing = false;
    let mut timer = pin!(sleep_until(clock.deadline()));
    let end = loop {
        let turn = poll_fn(|cx| {
            if connection.poll_without_shutdown(cx).is_ready() {
                return Poll::Ready(End::Done);
            }
            // The timer is set back only when it fires too early: most requests never touch it.
            let deadline = clock.deadline();
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            while deadline > timer.deadline() && timer.as_mut().poll(cx).is_ready() {
                timer.as_mut().reset(deadline);
            }
            timer.as_mut().poll(cx).map(|()| End::Late(clock.phase()))
        });
        tokio::select! {
            end = turn => break end,
            () = clock.evicted() => if clock.phase() == Phase::Idle { break End::Evicted },
            _ = draining.changed(), if !closing => {
                closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let gate = connection.into_parts().io.into_inner();
    let refused = match end {
        End::Done => gate.refused,
        End::Late(Phase::Head) => Some(StatusCode::REQUEST_TIMEOUT),
        End::Late(_) | End::Evicted => return,
    };
    let own = refused.map(|status| {
        shared.counters.count_own(status);
        let refusal = Refusal::new(status, gate.scanner.is_api, &new_request_id());
        refusal.into_bytes(gate.scanner.is_head)
    });
    let _ = timeout(limits.linger, part(gate.stream, own.unwrap_or_default())).await;
}

/// Says the last words and reads on: what was left unread would turn them into a reset.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, words: Vec<u8>) {
    if !words.is_empty() && stream.write_all(&words).await.is_err() {
        return;
    }
    if stream.shutdown().await.is_ok() {
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
}

impl Shared {
    async fn answer(
        &self,
        request: Request<Received>,
        peer: IpAddr,
        scheme: Scheme,
        clock: &Arc<Clock>,
    ) -> Result<Response<Answer>, Infallible> {
        let limits = &self.relay.limits;
        let origin = Origin::of(peer, scheme, &self.trusted, request.headers());
        let path = request.uri().path().to_owned();
        let answer = self.relay.answer(request, &origin).await;
        let mut answer = answer.unwrap_or_else(|status| {
            self.counters.count_own(status);
            tracing::debug!(request = origin.request_id, status = status.as_u16(), "refused");
            refuse(status, &path, &origin.request_id)
        });
        if let Ok(id) = HeaderValue::try_from(&origin.request_id) {
            answer.headers_mut().insert("x-request-id", id);
        }
        answer.body_mut().start(clock, limits.head, limits.bytes_a_second);
        Ok(answer)
    }
}
