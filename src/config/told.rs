//! Every setting of the process, declared once, and how it is found.

use super::Config;
use crate::error::{Complaint, Error, Result};
use crate::input::distance;
use crate::secret::{Key, Secret};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use url::Url;

/// One setting of the process.
struct Setting {
    /// `PORTICO_` and this is the variable.
    name: &'static str,
    about: &'static str,
    default: &'static str,
    /// Never shown, and also read from the file that `…_FILE` names.
    secret: bool,
    /// Takes the value over, or says what is wrong with it.
    apply: fn(&mut Draft, &str) -> Result<(), String>,
}

/// What has been read so far.
struct Draft {
    config: Config,
    key: Option<Key>,
    scripts: Option<PathBuf>,
    log: String,
    log_json: bool,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    about: &'static str,
    apply: fn(&mut Draft, &str) -> Result<(), String>,
) -> Setting {
    Setting { name, about, default, secret: false, apply }
}

const SETTINGS: &[Setting] = &[
    setting("DATA", "./data", "The data directory", |draft, text| {
        draft.config.data = PathBuf::from(text);
        Ok(())
    }),
    setting("LISTEN", "127.0.0.1:8080", "Address and port to listen on", |draft, text| {
        draft.config.listen =
            text.parse().map_err(|_| "is not an address and port like 127.0.0.1:8080")?;
        Ok(())
    }),
    setting(
        "BASE_URL",
        "",
        "What links in mails begin with; before the settings page",
        |draft, text| {
            draft.config.base_url = base_url(text)?;
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(
            "KEY",
            "",
            "Seals secrets in the store; the file key in the data directory when not set",
            |draft, text| {
                draft.key = Some(Key::parse(text).map_err(|_| "must be 64 hexadecimal digits")?);
                Ok(())
            },
        )
    },
    setting(
        "TRUSTED_PROXIES",
        "",
        "Networks whose X-Forwarded headers are believed, with commas between",
        |draft, text| {
            let each = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            draft.config.trusted_proxies = each.map(network).collect::<Result<_, String>>()?;
            Ok(())
        },
    ),
    setting(
        "TLS_CERT",
        "",
        "Certificate chain, PEM; without it plain HTTP is spoken",
        |draft, text| {
            draft.config.tls_cert = file(text)?;
            Ok(())
        },
    ),
    setting("TLS_KEY", "", "The certificate's key, PEM", |draft, text| {
        draft.config.tls_key = file(text)?;
        Ok(())
    }),
    setting(
        "METRICS_LISTEN",
        "",
        "Address and port that gives out numbers for watching, like 127.0.0.1:9100; nowhere when not set",
        |draft, text| {
            let wrong = |_| "is not an address and port like 127.0.0.1:9100";
            draft.config.metrics_listen = match text {
                "" => None,
                text => Some(text.parse().map_err(wrong)?),
            };
            Ok(())
        },
    ),
    Setting {
        secret: true,
        ..setting(
            "METRICS_TOKEN",
            "",
            "What is asked of whoever reads them, as Bearer; without it only this machine may",
            |draft, text| {
                if text.len() < 16 && !text.is_empty() {
                    return Err("must have 16 characters at least".into());
                }
                draft.config.metrics_token = Some(Secret::new(text)).filter(|_| !text.is_empty());
                Ok(())
            },
        )
    },
    setting(
        "SCRIPTS",
        "",
        "Where programs that rules may call lie; scripts in the data directory when not set",
        |draft, text| {
            draft.scripts = Some(PathBuf::from(text)).filter(|_| !text.is_empty());
            Ok(())
        },
    ),
    setting(
        "CA_FILE",
        "",
        "Certificate authorities besides the built-in ones, PEM",
        |draft, text| {
            draft.config.ca_file = file(text)?;
            Ok(())
        },
    ),
    setting(
        "NAME_SERVERS",
        "",
        "Name servers asked about domains, like 192.0.2.53; those of this machine when not set",
        |draft, text| {
            draft.config.name_servers = name_servers(text)?;
            Ok(())
        },
    ),
    setting(
        "LOG",
        "info",
        "What is logged: error, warn, info, debug, or by module",
        |draft, text| {
            tracing_subscriber::EnvFilter::try_new(text)
                .map_err(|err| format!("is not understood: {err}"))?;
            draft.log = text.to_owned();
            Ok(())
        },
    ),
    setting("LOG_FORMAT", "text", "text or json", |draft, text| {
        draft.log_json = match text {
            "text" => false,
            "json" => true,
            _ => return Err("must be text or json".into()),
        };
        Ok(())
    }),
];

words! {
    /// Where a value comes from.
    Source { Flag = "flag", Environment = "env", File = "env file", Page = "settings page", Default = "default" }
}

/// A setting, its value as it may be shown, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    pub key: String,
    pub value: String,
    pub source: Source,
    pub about: &'static str,
}

/// What the command line and the environment say.
pub struct Told {
    pub lines: Vec<Line>,
    pub complaints: Vec<Complaint>,
    draft: Draft,
}

/// Reads every setting. `flags` are by the name of their variable without `PORTICO_`.
pub fn read(
    flags: &[(&'static str, Option<String>)],
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Told> {
    let mut said = ours(environment);
    let mut told = Told { lines: Vec::new(), complaints: Vec::new(), draft: Draft::new()? };
    for setting in SETTINGS {
        let flag = flags.iter().find(|(name, _)| *name == setting.name);
        let flag = flag.and_then(|(_, value)| value.clone());
        told.take(setting, flag, &mut said);
    }
    for name in said.keys() {
        told.complaints.push(unknown(name));
    }
    let config = &told.draft.config;
    if config.tls_cert.is_some() != config.tls_key.is_some() {
        told.complain("PORTICO_TLS_CERT", "and PORTICO_TLS_KEY are set both or neither".into());
    }
    Ok(told)
}

impl Told {
    fn take(
        &mut self,
        setting: &Setting,
        flag: Option<String>,
        said: &mut BTreeMap<String, String>,
    ) {
        let variable = format!("PORTICO_{}", setting.name);
        let by_file = format!("{variable}_FILE");
        let given = said.remove(&variable);
        let named = if setting.secret { said.remove(&by_file) } else { None };
        let (value, source) = match (flag, given, named) {
            (Some(value), _, _) => (value, Source::Flag),
            (None, Some(_), Some(_)) => {
                return self.complain(&variable, format!("and {by_file} are both set; keep one"));
            }
            (None, Some(value), None) => (value, Source::Environment),
            (None, None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => (text.trim().to_owned(), Source::File),
                Err(err) => {
                    return self
                        .complain(&by_file, format!("names {path}, which cannot be read: {err}"));
                }
            },
            (None, None, None) => (setting.default.to_owned(), Source::Default),
        };
        if source != Source::Default
            && let Err(message) = (setting.apply)(&mut self.draft, &value)
        {
            self.complain(&variable, message);
        }
        let shown = match (setting.secret, value.is_empty()) {
            (true, true) => "not set".to_owned(),
            (true, false) => "set".to_owned(),
            (false, _) => value,
        };
        self.lines.push(Line { key: variable, value: shown, source, about: setting.about });
    }

    fn complain(&mut self, name: &str, message: String) {
        self.complaints.push(Complaint::new(name.to_owned(), message));
    }

    /// The data directory, which may not be there yet.
    pub fn data(&self) -> &std::path::Path {
        &self.draft.config.data
    }

    /// Where the server listens, and with which scheme; needs no key and no data directory.
    pub fn listener(self) -> Result<(std::net::SocketAddr, &'static str)> {
        if !self.complaints.is_empty() {
            return Err(Error::Invalid(self.complaints));
        }
        Ok((self.draft.config.listen, self.draft.config.scheme()))
    }

    /// What is to be logged, and whether as JSON.
    pub fn log(&self) -> (&str, bool) {
        (&self.draft.log, self.draft.log_json)
    }

    /// Whether somebody asked for a certain log.
    pub fn log_is_set(&self) -> bool {
        self.lines.iter().any(|line| line.key == "PORTICO_LOG" && line.source != Source::Default)
    }

    /// The configuration, with the key that was given or the one in the data directory, which is
    /// made if there is none.
    pub fn config(self) -> Result<Config> {
        if !self.complaints.is_empty() {
            return Err(Error::Invalid(self.complaints));
        }
        let Draft { mut config, key, scripts, .. } = self.draft;
        config.key = match key {
            Some(key) => key,
            None => Key::beside(&config.data)?,
        };
        config.scripts = scripts.unwrap_or_else(|| config.data.join("scripts"));
        Ok(config)
    }
}

impl Draft {
    fn new() -> Result<Draft> {
        // A key of nobody's, replaced before anybody is given the configuration.
        let nobody = Key::parse(&"0".repeat(64))?;
        let config = Config::of(PathBuf::from("./data"), nobody);
        Ok(Draft { config, key: None, scripts: None, log: "info".into(), log_json: false })
    }
}

/// The variables that are meant for us. Values that are not text cannot be a setting's either.
fn ours(environment: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    environment
        .map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        })
        .filter(|(name, _)| name.starts_with("PORTICO_"))
        .collect()
}

fn unknown(name: &str) -> Complaint {
    let known = SETTINGS.iter().flat_map(|setting| {
        let file = setting.secret.then(|| format!("PORTICO_{}_FILE", setting.name));
        [Some(format!("PORTICO_{}", setting.name)), file].into_iter().flatten()
    });
    let near = known.map(|each| (distance(name, &each), each)).min().filter(|(far, _)| *far <= 4);
    let hint = near.map_or_else(String::new, |(_, near)| format!("; did you mean {near}?"));
    Complaint::new(name.to_owned(), format!("is not a setting{hint}"))
}

fn base_url(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    if text.is_empty() {
        return Ok(String::new());
    }
    let wrong = "is not an address like https://portico.example";
    let url = Url::parse(text).map_err(|_| wrong)?;
    let plain = ["https", "http"].contains(&url.scheme())
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty();
    if plain { Ok(text.to_owned()) } else { Err(wrong.into()) }
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address)).ok();
    text.parse()
        .ok()
        .or_else(one)
        .ok_or_else(|| format!("names {text}, which is not a network like 10.0.0.0/8"))
}

/// Addresses with or without a port, between commas.
fn name_servers(text: &str) -> Result<Vec<SocketAddr>, String> {
    let each = |part: &str| match part.parse::<SocketAddr>() {
        Ok(server) => Ok(server),
        Err(_) => match part.parse::<IpAddr>() {
            Ok(address) => Ok(SocketAddr::from((address, 53))),
            Err(_) => Err(format!("has “{part}”, which is not an address like 192.0.2.53")),
        },
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(each).collect()
}

fn file(text: &str) -> Result<Option<PathBuf>, String> {
    match text {
        "" => Ok(None),
        path => match std::fs::File::open(path) {
            Ok(_) => Ok(Some(PathBuf::from(path))),
            Err(err) => Err(format!("names {path}, which cannot be read: {err}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(flags: &[(&'static str, Option<String>)], environment: &[(&str, &str)]) -> Told {
        read(flags, environment.iter().map(|(n, v)| (OsString::from(n), OsString::from(v))))
            .unwrap()
    }

    fn complaints(environment: &[(&str, &str)]) -> Vec<String> {
        let told = told(&[], environment);
        told.complaints.iter().map(|c| format!("{} {}", c.field, c.message)).collect()
    }

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_the_default() {
        let environment = [("PORTICO_LISTEN", "0.0.0.0:80"), ("HOME", "/root")];
        let told = told(&[("LISTEN", Some("[::]:443".into())), ("DATA", None)], &environment);
        assert!(told.complaints.is_empty());
        let line = |key: &str| told.lines.iter().find(|line| line.key == key).unwrap().clone();
        assert_eq!(
            (line("PORTICO_LISTEN").value.as_str(), line("PORTICO_LISTEN").source),
            ("[::]:443", Source::Flag)
        );
        assert_eq!(
            (line("PORTICO_DATA").value.as_str(), line("PORTICO_DATA").source),
            ("./data", Source::Default)
        );
        assert_eq!(told.draft.config.listen.port(), 443);
    }

    #[test]
    fn nothing_is_silently_ignored() {
        assert_eq!(
            complaints(&[("PORTICO_LISTN", "x")]),
            ["PORTICO_LISTN is not a setting; did you mean PORTICO_LISTEN?"]
        );
        assert_eq!(
            complaints(&[("PORTICO_QUITE_ANOTHER_THING", "x")]),
            ["PORTICO_QUITE_ANOTHER_THING is not a setting"]
        );
        assert_eq!(
            complaints(&[("PORTICO_LISTEN_FILE", "x")]).len(),
            1,
            "only secrets are read from files"
        );
        assert_eq!(
            complaints(&[("PORTICO_LISTEN", "here"), ("PORTICO_LOG_FORMAT", "xml")]).len(),
            2
        );
    }

    #[test]
    fn a_secret_comes_from_one_place_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, format!("{}\n", "ab".repeat(32))).unwrap();
        let path = path.to_str().unwrap();
        let both = [("PORTICO_KEY", "x"), ("PORTICO_KEY_FILE", path)];
        assert_eq!(complaints(&both), ["PORTICO_KEY and PORTICO_KEY_FILE are both set; keep one"]);
        let told = told(
            &[("DATA", Some(folder.path().display().to_string()))],
            &[("PORTICO_KEY_FILE", path)],
        );
        let line = told.lines.iter().find(|line| line.key == "PORTICO_KEY").unwrap();
        assert_eq!((line.value.as_str(), line.source), ("set", Source::File));
        let given = Key::parse(&"ab".repeat(32)).unwrap();
        assert_eq!(told.config().unwrap().key.fingerprint(), given.fingerprint());
        assert_eq!(complaints(&[("PORTICO_KEY_FILE", "/nowhere/key")]).len(), 1);
        assert_eq!(
            complaints(&[("PORTICO_KEY", "abc")]),
            ["PORTICO_KEY must be 64 hexadecimal digits"]
        );
    }

    #[test]
    fn addresses_and_networks() {
        assert_eq!(base_url("https://portico.example/").unwrap(), "https://portico.example");
        for bad in [
            "portico.example",
            "ftp://portico.example",
            "https://portico.example/a",
            "https://x@y.example",
            "https://y.example?a",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
        let told = told(&[], &[("PORTICO_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7,")]);
        let shown: Vec<_> =
            told.draft.config.trusted_proxies.iter().map(IpNet::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.7/32"]);
        assert_eq!(complaints(&[("PORTICO_TRUSTED_PROXIES", "10.0.0.0/99")]).len(), 1);
        assert_eq!(
            complaints(&[("PORTICO_TLS_CERT", "/dev/null")]),
            ["PORTICO_TLS_CERT and PORTICO_TLS_KEY are set both or neither"]
        );
    }
}
