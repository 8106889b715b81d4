//! Certificate and key from files, looked at each minute and at SIGHUP. A pair that cannot be used
//! leaves the one before it in use, because yesterday's certificate is better than none.

use super::counters::Counters;
use crate::error::{Error, Result};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

type Pair = (Vec<u8>, Vec<u8>);

pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    inner: Mutex<(Pair, TlsAcceptor)>,
}

impl Tls {
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Tls> {
        let pair = (read(&certificate)?, read(&key)?);
        let acceptor = acceptor(&pair).map_err(|text| {
            Error::refused(format!("{} and its key cannot be used: {text}.", certificate.display()))
        })?;
        Ok(Tls { certificate, key, inner: Mutex::new((pair, acceptor)) })
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Takes up what the files hold now, if that is new and of use.
    pub fn refresh(&self, counters: &Counters) {
        let pair = read(&self.certificate).and_then(|c| Ok((c, read(&self.key)?)));
        let refused = match pair {
            Ok(pair) => self.replace(pair),
            Err(err) => Err(err.to_string()),
        };
        if let Err(reason) = &refused {
            tracing::warn!(reason, "the certificate was not taken up; the one before it stays");
        }
        counters.certificate_refused.store(refused.is_err(), Ordering::Relaxed);
    }

    fn replace(&self, pair: Pair) -> Result<(), String> {
        let is_known = self.inner.lock().unwrap_or_else(PoisonError::into_inner).0 == pair;
        if is_known {
            return Ok(());
        }
        let acceptor = acceptor(&pair)?;
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = (pair, acceptor);
        tracing::info!("a new certificate is in use");
        Ok(())
    }

    /// Runs for as long as the server does.
    pub async fn watch(self: Arc<Self>, every: Duration, counters: Arc<Counters>) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                _ = hangup.recv() => {}
            }
            self.refresh(&counters);
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|err| Error::refused(format!("{} cannot be read: {err}.", path.display())))
}

fn acceptor((certificate, key): &Pair) -> Result<TlsAcceptor, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|err| format!("the certificate is not PEM ({err})"))?;
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|err| format!("the key is not PEM ({err})"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|err| err.to_string())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
