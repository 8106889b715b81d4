//! A real mail server beside a test: `tests/peers/smtp_sink.py` on a free port of this machine.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde::Deserialize;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Tls {
    #[default]
    None,
    /// In plain first; mail only after STARTTLS.
    Start,
    /// From the first byte.
    Implicit,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub tls: Tls,
    /// The name and password without which nothing is taken.
    pub auth: Option<(String, String)>,
    /// Recipients that get this answer instead of 250.
    pub fail_rcpt: Vec<(String, u16)>,
    /// The answer to every mail, after it was received.
    pub fail_data: Option<u16>,
    /// Every mail is taken, but the connection closed instead of saying so.
    pub drop_after_data: bool,
    /// What each recipient's answer waits for.
    pub delay: Option<Duration>,
    /// Every sender and recipient is put off once, with 450.
    pub greylist: bool,
}

/// One mail as it came in.
#[derive(Clone, Debug, Deserialize)]
pub struct Mail {
    pub to: Vec<String>,
    pub from: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub headers: Vec<(String, String)>,
    pub tls: bool,
    /// The name that signed in to send it.
    pub auth: Option<String>,
}

impl Mail {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

pub struct Sink {
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl Sink {
    pub fn start(options: Options) -> Sink {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(python());
        command.arg("tests/peers/smtp_sink.py").args(["--port", "0", "--with-stdin", "--dir"]);
        command.arg(folder.path().join("mails"));
        if options.tls != Tls::None {
            let (certificate, key) = make_certificates(folder.path());
            command.arg("--tls").arg(certificate).arg(key);
        }
        if options.tls == Tls::Implicit {
            command.arg("--implicit");
        }
        if let Some((user, password)) = &options.auth {
            command.arg("--auth").arg(format!("{user}:{password}"));
        }
        for (address, code) in &options.fail_rcpt {
            command.arg("--fail-rcpt").arg(format!("{address}={code}"));
        }
        if let Some(code) = options.fail_data {
            command.arg("--fail-data").arg(code.to_string());
        }
        if options.drop_after_data {
            command.arg("--drop-after-data");
        }
        if let Some(delay) = options.delay {
            command.arg("--delay").arg(delay.as_secs_f64().to_string());
        }
        if options.greylist {
            command.arg("--greylist");
        }
        // Its standard input closes with this process, however that ends, and the sink with it.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening ").expect("the sink did not start");
        Sink { port: port.parse().unwrap(), folder, child }
    }

    /// The certificate authority to trust, PEM, when the sink speaks TLS as `localhost`.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// All mails so far, in the order in which they came.
    pub fn mails(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mails")) else { return vec![] };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths =
            paths.filter(|p| p.extension().is_some_and(|e| e == "json")).collect::<Vec<_>>();
        paths.sort();
        paths.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
    }

    /// The mails, once there are at least `count`.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Mail> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let mails = self.mails();
            if mails.len() >= count {
                return mails;
            }
            assert!(Instant::now() < end, "{} of {count} mails after 20 s: {mails:?}", mails.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn python() -> String {
    let made = Command::new("tests/peers/venv").stderr(Stdio::inherit()).output().unwrap();
    assert!(made.status.success(), "tests/peers/venv failed");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// An authority of its own in `ca.pem`, and a certificate of it for `localhost` with its key.
fn make_certificates(folder: &Path) -> (PathBuf, PathBuf) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Authority of a test");
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
    let (certificate_file, key_file) = (folder.join("sink.pem"), folder.join("sink.key"));
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    fs::write(&certificate_file, leaf.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    (certificate_file, key_file)
}

/// The sink itself is tried with a client of another make, so that a test of ours that fails
/// says something about ours.
#[test]
fn the_sink_takes_what_it_should_and_nothing_else() {
    use lettre::message::header::ContentType;
    use lettre::transport::smtp::authentication::Credentials;
    use lettre::transport::smtp::client::{Certificate, Tls as ClientTls, TlsParameters};
    use lettre::{Message, SmtpTransport, Transport};

    let mail = |to: &str| {
        Message::builder()
            .from("Nine Nines <desk@ninenines.example>".parse().unwrap())
            .to(to.parse().unwrap())
            .subject("Grüße aus der Tür")
            .header(ContentType::TEXT_PLAIN)
            .body("Zwei Zeilen,\nmit Umlauten: äöü.\n".to_owned())
            .unwrap()
    };
    for tls in [Tls::None, Tls::Start, Tls::Implicit] {
        let sink = Sink::start(Options {
            tls,
            auth: Some(("portico".into(), "letmein".into())),
            fail_rcpt: vec![("gone@aldermoor.example".into(), 550)],
            ..Options::default()
        });
        let trust = || {
            let ca = Certificate::from_pem(&fs::read(sink.ca_file()).unwrap()).unwrap();
            TlsParameters::builder("localhost".into()).add_root_certificate(ca).build().unwrap()
        };
        let client_tls = match tls {
            Tls::None => ClientTls::None,
            Tls::Start => ClientTls::Required(trust()),
            Tls::Implicit => ClientTls::Wrapper(trust()),
        };
        let client = |password: &str| {
            SmtpTransport::builder_dangerous("127.0.0.1")
                .port(sink.port)
                .tls(client_tls.clone())
                .credentials(Credentials::new("portico".into(), password.into()))
                .build()
        };
        assert!(client("wrong").send(&mail("ada@aldermoor.example")).is_err(), "{tls:?}");
        client("letmein").send(&mail("ada@aldermoor.example")).unwrap();
        let refused = client("letmein").send(&mail("gone@aldermoor.example")).unwrap_err();
        assert!(refused.is_permanent(), "{refused}");

        let mails = sink.wait_for(1);
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, ["ada@aldermoor.example"]);
        assert_eq!(mails[0].from, "desk@ninenines.example");
        assert_eq!(mails[0].subject, "Grüße aus der Tür");
        assert_eq!(mails[0].text.trim_end(), "Zwei Zeilen,\nmit Umlauten: äöü.");
        assert_eq!(mails[0].header("subject"), Some("Grüße aus der Tür"));
        assert_eq!(mails[0].html, "");
        assert_eq!(mails[0].tls, tls != Tls::None);
        assert_eq!(mails[0].auth.as_deref(), Some("portico"));
    }
}

#[test]
fn the_sink_puts_off_and_turns_down() {
    use lettre::{Message, SmtpTransport, Transport};

    let mail = Message::builder()
        .from("desk@ninenines.example".parse().unwrap())
        .to("ada@aldermoor.example".parse().unwrap())
        .body("Hello.".to_owned())
        .unwrap();
    let send = |sink: &Sink| {
        SmtpTransport::builder_dangerous("127.0.0.1").port(sink.port).build().send(&mail)
    };
    let grey = Sink::start(Options { greylist: true, ..Options::default() });
    assert!(send(&grey).unwrap_err().is_transient());
    send(&grey).unwrap();
    assert_eq!(grey.wait_for(1)[0].text.trim_end(), "Hello.");

    let full = Sink::start(Options { fail_data: Some(452), ..Options::default() });
    assert!(send(&full).unwrap_err().is_transient());
    assert!(full.mails().is_empty());

    let rude = Sink::start(Options { drop_after_data: true, ..Options::default() });
    assert!(send(&rude).is_err());
    assert_eq!(rude.wait_for(1).len(), 1);

    let slow =
        Sink::start(Options { delay: Some(Duration::from_millis(300)), ..Options::default() });
    let asked = Instant::now();
    send(&slow).unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(300));
}
