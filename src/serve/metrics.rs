//! Numbers for watching, on an address of their own: for this machine alone, or for whoever has the
//! token. They say nothing of any customer.

use crate::edge::{self, Incoming, Outgoing};
use crate::engine::figures;
use crate::error::{Error, Result};
use crate::secret;
use crate::web::App;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use tokio::sync::oneshot;

const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A listener that ends with it.
pub struct Listener {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: thread::JoinHandle<()>,
}

impl Listener {
    pub fn stop(self) {
        let _gone = self.stop.send(());
        if self.served.join().is_err() {
            tracing::error!("giving out numbers ended badly");
        }
    }
}

/// Listens, where the program was told to.
pub fn start(app: &Arc<App>) -> Result<Option<Listener>> {
    let Some(place) = app.config.metrics_listen else { return Ok(None) };
    let listen = edge::bind(place)
        .map_err(|err| Error::refused(format!("Cannot listen on {place}: {err}.")))?;
    let address = listen.local_addr()?;
    let mut settings = edge::Settings::new(listen, app.config.data.join("run").join("metrics"));
    settings.workers = 2;
    let (stop, stopped) = oneshot::channel();
    let app = app.clone();
    let served = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        let ended = edge::serve(settings, move |asked| answer(&app, &asked), stopped);
        if let Err(err) = ended {
            tracing::error!("numbers are given out no more: {err}");
        }
    })?;
    Ok(Some(Listener { address, stop, served }))
}

/// What is answered there.
pub fn answer(app: &App, asked: &Incoming) -> Outgoing {
    let path = asked.target.split('?').next().unwrap_or_default();
    if path != "/metrics" || asked.method != "GET" {
        return plain(404, "There is only /metrics here.\n".to_owned());
    }
    let may = match &app.config.metrics_token {
        Some(token) => {
            let sent = asked.header("authorization").unwrap_or_default();
            let sent = sent.strip_prefix("Bearer ").unwrap_or_default();
            secret::same(sent.as_bytes(), token.reveal().as_bytes())
        }
        None => asked.peer.to_canonical().is_loopback(),
    };
    if !may {
        let mut refused = plain(401, "This needs the token for numbers.\n".to_owned());
        refused.headers.push(("WWW-Authenticate".to_owned(), "Bearer".to_owned()));
        return refused;
    }
    match figures::text(&app.db) {
        Ok(text) => plain(200, text),
        Err(err) => {
            tracing::error!("numbers for watching: {err}");
            plain(503, "The store cannot be read.\n".to_owned())
        }
    }
}

fn plain(status: u16, text: String) -> Outgoing {
    let headers = vec![
        ("Content-Type".to_owned(), KIND.to_owned()),
        ("Cache-Control".to_owned(), "no-store".to_owned()),
        ("X-Content-Type-Options".to_owned(), "nosniff".to_owned()),
    ];
    Outgoing { status, headers, body: edge::Body::Bytes(text.into_bytes()) }
}
