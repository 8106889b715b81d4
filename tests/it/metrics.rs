//! The numbers for watching: who may read them, and that they tell of nobody.

use crate::engine::{Sink, Stage, answer, post};
use portico::edge::{Body, Incoming, Outgoing};
use portico::secret::Secret;
use portico::serve::metrics;
use portico::web::App;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

fn ask(app: &App, peer: &str, path: &str, token: &str) -> Outgoing {
    let headers = match token {
        "" => Vec::new(),
        token => vec![("authorization".to_owned(), token.to_owned())],
    };
    let asked = Incoming {
        method: "GET".into(),
        target: path.into(),
        headers,
        body: Vec::new(),
        peer: peer.parse().unwrap(),
        scheme: "http".into(),
        request_id: "test".into(),
    };
    metrics::answer(app, &asked)
}

pub fn text(app: &App) -> String {
    match ask(app, "127.0.0.1", "/metrics", "").body {
        Body::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
        Body::File(_) => panic!("a file"),
    }
}

/// The value of one line.
fn value(text: &str, line: &str) -> Option<i64> {
    let found = text.lines().find_map(|each| each.strip_prefix(line)?.strip_prefix(' '));
    found.map(|value| value.parse().unwrap())
}

#[test]
fn p_59_the_numbers_tell_of_work_and_of_no_customer() {
    let stage = Stage::new();
    let good = Sink::ok();
    let bad = Sink::with(|_, _| answer(400, "{}"));
    let (desk, broken) =
        (stage.webhook("Zephyrine desk", &good.url()), stage.webhook("Broken", &bad.url()));
    let of = stage.customer("Quillfeather Dental");
    let before = text(&stage.world.app);
    let count = |text: &str, outcome: &str| {
        let line = format!("portico_steps_total{{action=\"webhook.send\",outcome=\"{outcome}\"}}");
        value(text, &line).unwrap_or(0)
    };
    let ids = [desk, desk, broken].map(|connector| {
        let user =
            stage.user(of, &format!("yolanthe{}", stage.world.count("SELECT count(*) FROM users")));
        stage.give(of, user, vec![post(connector)])
    });
    let queued = text(&stage.world.app);
    assert_eq!(value(&queued, "portico_requests{status=\"queued\"}"), Some(3));
    assert_eq!(value(&queued, "portico_queue_waiting{queue=\"interactive\"}"), Some(3));
    stage.world.later(90);
    let oldest = "portico_queue_oldest_seconds{queue=\"interactive\"}";
    let waited = value(&text(&stage.world.app), oldest).unwrap();
    assert!((90..90 + 3600).contains(&waited), "{waited}");
    let engine = stage.start();
    for (id, end) in ids.iter().zip(["done", "done", "failed"]) {
        stage.ends(*id, end);
    }
    engine.stop();
    let after = text(&stage.world.app);
    for (status, number) in [
        ("queued", 0),
        ("running", 0),
        ("done", 2),
        ("failed", 1),
        ("cancelled", 0),
        ("waiting_approval", 0),
    ] {
        assert_eq!(
            value(&after, &format!("portico_requests{{status=\"{status}\"}}")),
            Some(number)
        );
    }
    // Other tests run beside this one, in the same process.
    assert!(count(&after, "done") >= count(&before, "done") + 2, "{after}");
    assert!(count(&after, "refused") > count(&before, "refused"), "{after}");
    assert!(after.contains("portico_step_seconds_count{action=\"webhook.send\",outcome=\"done\"}"));
    let up = |id: i64| format!("portico_connector_up{{connector=\"{id}\",kind=\"webhook\"}}");
    assert_eq!(value(&after, &up(desk.0)), Some(1));
    let down = "UPDATE connectors SET down_until = '9998-01-01T00:00:00Z' WHERE id = ?1";
    stage.world.sql().execute(down, [broken.0]).unwrap();
    let now = text(&stage.world.app);
    assert_eq!((value(&now, &up(desk.0)), value(&now, &up(broken.0))), (Some(1), Some(0)));
    assert_eq!(value(&now, "portico_brake_holds"), Some(0));
    for name in [
        "Quillfeather",
        "quillfeather",
        "yolanthe",
        "Zephyrine",
        "Tarnholm",
        "Give Desk",
        "127.0.0.1",
    ] {
        assert!(!now.contains(name), "{name} is in {now}");
    }
    // Every line is one that Prometheus reads.
    for line in now.lines() {
        let told = line.starts_with("# HELP portico_") || line.starts_with("# TYPE portico_");
        let (name, number) = line.rsplit_once(' ').unwrap();
        assert!(told || (name.starts_with("portico_") && number.parse::<f64>().is_ok()), "{line}");
    }
}

#[test]
fn the_numbers_are_this_machines_or_for_whoever_has_the_token() {
    let stage = Stage::new();
    let app = &stage.world.app;
    assert_eq!(ask(app, "127.0.0.1", "/metrics", "").status, 200);
    assert_eq!(ask(app, "::ffff:127.0.0.1", "/metrics", "").status, 200);
    assert_eq!(ask(app, "::1", "/metrics?a=b", "").status, 200);
    for peer in ["192.0.2.7", "10.0.0.1", "2001:db8::1"] {
        assert_eq!(ask(app, peer, "/metrics", "").status, 401, "{peer}");
    }
    for path in ["/", "/metrics/", "/requests", "/metricsx"] {
        assert_eq!(ask(app, "127.0.0.1", path, "").status, 404, "{path}");
    }
    let told = crate::world::World::told(|config| {
        config.metrics_token = Some(Secret::new("a token of sixteen"));
        config.metrics_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    let app = &told.app;
    assert_eq!(ask(app, "192.0.2.7", "/metrics", "Bearer a token of sixteen").status, 200);
    for token in ["", "Bearer ", "Bearer a token of sixtee", "a token of sixteen", "Basic x"] {
        for peer in ["127.0.0.1", "192.0.2.7"] {
            let answer = ask(app, peer, "/metrics", token);
            assert_eq!(answer.status, 401, "{token}");
            assert!(answer.headers.iter().any(|(name, _)| name == "WWW-Authenticate"));
        }
    }
    // And over the network, on its own address.
    let listener = metrics::start(app).unwrap().unwrap();
    let get = |path: &str, token: &str| {
        let mut stream = TcpStream::connect(listener.address).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        all
    };
    let answer = get("/metrics", "a token of sixteen");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("portico_requests{"), "{answer}");
    assert!(get("/metrics", "another").starts_with("HTTP/1.1 401"));
    assert!(get("/requests", "a token of sixteen").starts_with("HTTP/1.1 404"));
    listener.stop();
    // Nobody who was not told to listens.
    assert!(metrics::start(&stage.world.app).unwrap().is_none());
}
