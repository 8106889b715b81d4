//! One request that the gate let through: its body is gathered, it waits for a worker, is sent on
//! anew with one Content-Length, and the worker's answer comes back.

use super::Limits;
use super::answer::{Answer, Content};
use super::backend::Backend;
use super::forwarded::{self, Origin};
use super::head::is_api;
use super::refusal::Refusal;
use super::workers::{FILE, PEER, REQUEST, SCHEME};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming as Received};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue, SERVER, TRANSFER_ENCODING,
};
use hyper::{Method, Request, Response, StatusCode};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::fs::File;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "expect",
];

/// Answers from this size on count against the memory that all of them may take together.
const LARGE_ANSWER: usize = 64 << 10;

pub struct Relay {
    pub limits: Arc<Limits>,
    backend: Backend,
    files: PathBuf,
    body_limit: fn(&str, &str) -> usize,
    line: Semaphore,
    workers: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Relay {
    pub fn new(
        limits: Arc<Limits>,
        backend: Backend,
        files: PathBuf,
        body_limit: fn(&str, &str) -> usize,
        workers: usize,
    ) -> Arc<Relay> {
        Arc::new(Relay {
            backend,
            files,
            body_limit,
            line: Semaphore::new(limits.line + workers),
            workers: Arc::new(Semaphore::new(workers)),
            bodies: Arc::new(Semaphore::new(limits.buffered_bytes)),
            answers: Arc::new(Semaphore::new(limits.buffered_bytes)),
            limits,
        })
    }

    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    pub async fn answer(
        self: &Arc<Self>,
        request: Request<Received>,
        origin: &Origin,
    ) -> Result<Response<Answer>, StatusCode> {
        let chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let (parts, body) = request.into_parts();
        let most = (self.body_limit)(parts.method.as_str(), parts.uri.path());
        let body = self.gather(body, most).await?;
        let mut relayed = Request::new(Full::default());
        *relayed.headers_mut() = headers(parts.headers, body.len(), origin)?;
        (*relayed.method_mut(), *relayed.uri_mut()) = (parts.method, parts.uri);
        *relayed.body_mut() = Full::new(body);
        let mut answer = self.ask(relayed).await?;
        if chunked {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    /// The whole body, or the reason why it is not taken.
    async fn gather(&self, mut body: Received, most: usize) -> Result<Bytes, StatusCode> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let length = body.size_hint().exact().unwrap_or(0);
        let length = usize::try_from(length).ok().filter(|length| *length <= most);
        let mut data = Vec::with_capacity(length.ok_or(StatusCode::PAYLOAD_TOO_LARGE)?);
        let mut share = reserve(&self.bodies, 0)?;
        let read = async {
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
                let Ok(piece) = frame.into_data() else { continue };
                if piece.len() > most.saturating_sub(data.len()) {
                    return Err(StatusCode::PAYLOAD_TOO_LARGE);
                }
                share.merge(reserve(&self.bodies, piece.len())?);
                data.extend_from_slice(&piece);
            }
            Ok(())
        };
        timeout(self.limits.body, read).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)??;
        Ok(Bytes::from_owner(Held { data, _share: share }))
    }

    async fn ask(
        self: &Arc<Self>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Answer>, StatusCode> {
        let _place = self.line.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let worker = timeout(self.limits.backend, self.workers.clone().acquire_owned()).await;
        let worker = worker.ok().and_then(Result::ok).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        // Goes on when the client leaves: the permit stands for a worker until that has answered.
        let exchange = tokio::spawn(self.clone().exchange(request, worker));
        let answer = timeout(self.limits.backend, exchange).await;
        answer.map_err(|_| StatusCode::GATEWAY_TIMEOUT)?.unwrap_or(Err(StatusCode::BAD_GATEWAY))
    }

    async fn exchange(
        self: Arc<Self>,
        request: Request<Full<Bytes>>,
        _worker: OwnedSemaphorePermit,
    ) -> Result<Response<Answer>, StatusCode> {
        let is_head = request.method() == Method::HEAD;
        let sent = self.backend.send(request).await;
        let (sender, response) = sent.map_err(|err| {
            tracing::error!(error = %err, "a worker could not be reached");
            StatusCode::BAD_GATEWAY
        })?;
        let (mut head, body) = response.into_parts();
        let body = Limited::new(body, self.limits.answer_bytes + LARGE_ANSWER).collect().await;
        let mut data = body.map_err(|_| StatusCode::BAD_GATEWAY)?.to_bytes();
        self.backend.keep(sender);
        for name in HOP_BY_HOP {
            head.headers.remove(name);
        }
        head.headers.remove(SERVER);
        head.headers.remove(DATE); // hyper writes its own
        let file = head.headers.remove(FILE);
        if let Some(name) = file.as_ref() {
            let name = name.to_str().map_err(|_| StatusCode::BAD_GATEWAY)?;
            let content = self.take_file(name).await?;
            head.headers.insert(CONTENT_LENGTH, content.len().into());
            let answer = if is_head { Answer::empty() } else { Answer::new(content) };
            return Ok(Response::from_parts(head, answer));
        }
        if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            head.headers.remove(CONTENT_LENGTH);
        }
        if data.len() >= LARGE_ANSWER {
            let share = reserve(&self.answers, data.len())?;
            data = Bytes::from_owner(Held { data, _share: share });
        }
        Ok(Response::from_parts(head, Answer::new(Content::Bytes(data))))
    }

    /// Opens what a worker left for us and takes its name away, so that it is gone once it is sent.
    async fn take_file(&self, name: &str) -> Result<Content, StatusCode> {
        let is_ours = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
        let path = is_ours.then(|| self.files.join(name)).ok_or(StatusCode::BAD_GATEWAY)?;
        let opened = async {
            let mut file = File::open(&path).await?;
            file.set_max_buf_size(LARGE_ANSWER);
            let length = file.metadata().await?.len();
            tokio::fs::remove_file(&path).await?;
            std::io::Result::Ok(Content::File(file, length))
        };
        opened.await.map_err(|err| {
            tracing::error!(error = %err, "a file to be sent could not be opened");
            StatusCode::BAD_GATEWAY
        })
    }
}

/// An own answer in the language of whoever asked for `target`.
pub fn refuse(status: StatusCode, target: &str, request_id: &str) -> Response<Answer> {
    Refusal::new(status, is_api(target.as_bytes()), request_id).into_response()
}

/// What the worker is told: nothing that was meant for the next hop, nothing that only we may say.
fn headers(
    mut headers: HeaderMap,
    length: usize,
    origin: &Origin,
) -> Result<HeaderMap, StatusCode> {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| name != hyper::header::HOST)
        .collect();
    let ours = headers.keys().filter(|name| name.as_str().starts_with("x-edge-")).cloned();
    for name in ours.collect::<Vec<_>>().into_iter().chain(named) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP.into_iter().chain(forwarded::CLAIMS) {
        headers.remove(name);
    }
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| StatusCode::BAD_REQUEST);
    headers.insert(PEER, value(&origin.peer.to_string())?);
    headers.insert(SCHEME, value(origin.scheme.as_str())?);
    headers.insert(REQUEST, value(&origin.request_id)?);
    headers.insert(CONTENT_LENGTH, length.into());
    Ok(headers)
}

fn reserve(budget: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, StatusCode> {
    let bytes = u32::try_from(bytes).map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let share = budget.clone().try_acquire_many_owned(bytes);
    share.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// Bytes that give back their share of the budget when the last reference to them goes.
struct Held<D> {
    data: D,
    _share: OwnedSemaphorePermit,
}

impl<D: AsRef<[u8]>> AsRef<[u8]> for Held<D> {
    fn as_ref(&self) -> &[u8] {
        self.data.as_ref()
    }
}
