//! From a request to a response: who asks, which route, is the form ours, run it, show what failed.

pub mod again;
pub mod paging;
pub mod recent;
pub mod request;
pub mod response;
pub mod throttle;
mod acting;
mod failure;
mod frame;
mod half;
mod repeat;
mod store;

pub use paging::{Listing, Paging};
pub use request::{Method, Request, Upload};
pub use response::{Body, Response};

use crate::auth::password::Hasher;
use crate::auth::permissions::{AuditRead, RequestsRead};
use crate::auth::{self, Actor, Permission, Stage};
use crate::config::Config;
use crate::db::{By, Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::RequestId;
use crate::input::{Field, Input};
use crate::routes::{self, Route};
use crate::secret;
use crate::settings::{self, Settings};
use std::cell::Cell;
use std::sync::Arc;
use throttle::{Limit, Throttle};

/// The program: the store, its secrets, and what it was told.
pub struct App {
    pub db: Db,
    pub config: Config,
    pub hasher: Hasher,
    pub throttle: Throttle,
    /// The address to set up an empty store with; a new one at each start.
    pub setup_code: secret::Secret,
}

/// What a handler is given besides its scope.
pub struct Cx<'r> {
    pub app: &'r App,
    pub db: &'r Db,
    pub request: &'r Request,
    pub actor: Actor,
    /// Whose name this session works in besides its own.
    pub acting: Option<auth::Acting>,
    /// The browser's session; none for a token.
    pub session: Option<auth::Session>,
    /// How far the visitor has come at the door; whole for a token.
    pub stage: Stage,
    pub settings: Arc<Settings>,
    /// The form token for this answer, masked anew each time so that compression gives nothing away.
    pub csrf: String,
    route: &'r Route,
    /// How many failed requests were looked for, and how many there are.
    failed: Cell<Option<(i64, i64)>>,
}

/// What picked rows of a list are sent as.
pub const PICKED: &str = "id";

const API_TOKEN: Limit = Limit { tries: 600, seconds: 60 };
const API_STRANGER: Limit = Limit { tries: 60, seconds: 60 };
const PUBLIC: Limit = Limit { tries: 120, seconds: 60 };

impl App {
    /// Opens the store of `config` and writes the shipped roles into it.
    pub fn start(config: Config) -> Result<App> {
        let db = Db::open(config.store())?;
        App::with(db, config)
    }

    pub fn with(db: Db, config: Config) -> Result<App> {
        auth::ship_roles(&db)?;
        routes::ship(&db)?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(App {
            db,
            config,
            hasher: Hasher::new(cores.min(2)),
            throttle: Throttle::default(),
            setup_code: secret::token()?,
        })
    }

    pub fn handle(&self, request: &Request) -> Response {
        let started = std::time::Instant::now();
        let response =
            self.answer(request).unwrap_or_else(|err| failure::show(self, request, None, err));
        let response = self.dress(request, response);
        tracing::info!(
            id = %request.id,
            method = request.method.word(),
            path = %failure::without_secrets(&request.path),
            status = response.status,
            micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        response
    }

    fn answer(&self, request: &Request) -> Result<Response> {
        if !decent(&request.path) {
            return Err(Error::NotFound);
        }
        if let Some(route) = routes::public(request.method, &request.path) {
            if route.limited {
                self.count(&format!("public {}", network(request)), PUBLIC)?;
            }
            return (route.run)(self, request);
        }
        // A mistyped token is known by itself, and costs the store nothing.
        if request.is_api()
            && request.token().is_some_and(|text| !auth::token_is_well_formed(&text))
        {
            self.count(&format!("api {}", network(request)), API_STRANGER)?;
            return Err(Error::LoginRequired);
        }
        let settings = self.settings()?;
        if !settings.set_up {
            return Err(Error::NotSetUp);
        }
        if request.is_api() {
            self.answer_api(request, settings)
        } else {
            self.answer_page(request, settings)
        }
    }

    fn answer_page(&self, request: &Request, settings: Arc<Settings>) -> Result<Response> {
        self.own_host(request, &settings)?;
        let token = request.cookie(cookie_name(request)).ok_or(Error::LoginRequired)?;
        let (idle, whole) = (settings.session_idle_minutes * 60, settings.session_hours * 3600);
        let (session, (actor, acting)) = self.db.read(|db| {
            let session = auth::session(db, token, idle, whole)?;
            let who = auth::of_session(db, &session)?;
            Ok((session, who))
        })?;
        if self.db.now().since(session.last_seen_at) >= 60 {
            self.db.write(By::portico(Via::Page), |tx| auth::touch(tx, &session))?;
        }
        let route = self.find(request)?;
        let stage = session.stage(&actor);
        if !half::leads_on(stage, &request.path) {
            return Ok(half::to_stage(stage, request));
        }
        if request.method != Method::Get {
            let sent = request.form_token().unwrap_or_default();
            let from_elsewhere = request.header("Sec-Fetch-Site") == "cross-site";
            if from_elsewhere || !secret::same(unmask(&sent).as_bytes(), session.csrf.as_bytes()) {
                return Err(Error::Forbidden(
                    "This form is not from your present session. Go back, load the page again and send it once more.".into(),
                ));
            }
        }
        let csrf = mask(&session.csrf)?;
        let cx = Cx {
            app: self,
            db: &self.db,
            request,
            actor,
            acting,
            session: Some(session),
            stage,
            settings,
            csrf,
            route,
            failed: Cell::default(),
        };
        let answer = acting::permitted(cx.acting.as_ref(), route, request)
            .and_then(|()| self.within_reach(&cx.actor, route, request))
            .and_then(|()| (route.run)(&cx));
        // In whose path somebody works is kept for the switcher.
        let answer = answer.map(|response| match recent::in_path(&request.path) {
            Some(customer) => recent::note(request, cx.actor.user, customer, response),
            None => response,
        });
        answer.or_else(|err| Ok(failure::show(self, request, Some(&cx), err)))
    }

    fn answer_api(&self, request: &Request, settings: Arc<Settings>) -> Result<Response> {
        let token = request.token().unwrap_or_default();
        let known = self.db.read(|db| auth::of_token(db, &token));
        let (id, actor) = match known {
            Ok(known) => known,
            Err(err) => {
                self.count(&format!("api {}", network(request)), API_STRANGER)?;
                return Err(err);
            }
        };
        self.count(&format!("token {id}"), API_TOKEN)?;
        let route = self.find(request)?;
        self.within_reach(&actor, route, request)?;
        auth::note_use(&self.db, id, &request.address.to_string())?;
        let cx = Cx {
            app: self,
            db: &self.db,
            request,
            actor,
            acting: None,
            session: None,
            stage: Stage::Whole,
            settings,
            csrf: String::new(),
            route,
            failed: Cell::default(),
        };
        repeat::once(&cx, || {
            no_strange_query(route, request)?;
            (route.run)(&cx)
        })
    }

    /// The customer or user that a path begins with must be within reach of the route's permission,
    /// whatever else is wrong with the request. The statements of the handler see to the rest.
    fn within_reach(&self, actor: &Actor, route: &Route, request: &Request) -> Result<()> {
        let Some(codes) = actor.codes(route.permission) else { return Ok(()) };
        self.filters_within_reach(&codes, route, request)?;
        let inside = |path: &str| -> Option<(String, String)> {
            let mut parts = path.trim_start_matches("/api/v1").split('/').skip(1);
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        };
        let (Some((word, pattern)), Some((_, id))) = (inside(route.path), inside(&request.path))
        else {
            return Ok(());
        };
        if !pattern.starts_with('{') || !["customers", "users"].contains(&word.as_str()) {
            return Ok(());
        }
        let id: i64 = id.parse().map_err(|_| Error::NotFound)?;
        self.db.read(|db| store::is_within_reach(db, &codes, word == "users", id))
    }

    /// So must whom a filter names, as if the path did. Who sells to somebody, or did something to them,
    /// may well stand above.
    fn filters_within_reach(&self, codes: &str, route: &Route, request: &Request) -> Result<()> {
        if request.method != Method::Get {
            return Ok(());
        }
        let audit = route.permission == AuditRead::NAME;
        let named = [
            ("customer", false, false),
            ("customer_id", false, false),
            ("reseller", false, false),
            ("seller_id", false, true),
            ("buyer_id", false, true),
            ("user_id", true, audit),
        ];
        for (name, user, above) in named {
            let Ok(id) = request.query.get(name).parse::<i64>() else { continue };
            self.db.read(|db| match store::is_within_reach(db, codes, user, id) {
                Err(Error::NotFound) if above => store::stands_above(db, codes, user, id),
                other => other,
            })?;
        }
        Ok(())
    }

    fn find(&self, request: &Request) -> Result<&'static Route> {
        let here = || routes::ROUTES.iter().filter(|route| matches(route.path, &request.path));
        match here().find(|route| route.method == request.method) {
            Some(route) => Ok(route),
            None if here().next().is_some() => {
                let allowed: Vec<_> = here().map(|route| route.method.word()).collect();
                Err(Error::NotAllowed(allowed.join(", ")))
            }
            None => Err(Error::NotFound),
        }
    }

    /// Once an address is configured, other names are not answered: nothing is built from the Host.
    pub fn own_host(&self, request: &Request, settings: &Settings) -> Result<()> {
        let Some((_, rest)) = settings.base_url.split_once("://") else { return Ok(()) };
        let (own, asked) = (rest.split('/').next().unwrap_or(rest), request.header("Host"));
        let name = asked.rsplit_once(':').map_or(asked, |(name, _)| name);
        if asked.eq_ignore_ascii_case(own) || ["localhost", "127.0.0.1", "[::1]"].contains(&name) {
            return Ok(());
        }
        Err(Error::Misdirected)
    }

    pub fn settings(&self) -> Result<Arc<Settings>> {
        self.db.read(|db| settings::load(db, &self.config)).map(Arc::new)
    }

    /// Counts a try; too many are an error that says when to come back.
    pub fn count(&self, key: &str, limit: Limit) -> Result<()> {
        self.throttle.count(key, limit, self.db.now()).map_err(too_many)
    }

    /// The headers of every answer.
    fn dress(&self, request: &Request, mut response: Response) -> Response {
        let mut add = |name: &'static str, value: &str| {
            if response.header(name).is_none() {
                response.headers.push((name, value.to_owned()));
            }
        };
        add(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        );
        add("X-Content-Type-Options", "nosniff");
        add("Referrer-Policy", "same-origin");
        add("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
        add("Cross-Origin-Opener-Policy", "same-origin");
        add("Cache-Control", "no-store");
        add("X-Request-Id", &request.id);
        if request.secure {
            add("Strict-Transport-Security", "max-age=31536000");
        }
        response
    }
}

impl Cx<'_> {
    /// How many requests within reach failed and wait for somebody, `most` at most.
    pub fn failed_requests(&self, db: &Read, most: i64) -> Result<i64> {
        let Ok(scope) = self.actor.scope::<RequestsRead>() else { return Ok(0) };
        if let Some((_, found)) = self.failed.get().filter(|(asked, _)| *asked >= most) {
            return Ok(found.min(most));
        }
        let found = store::failed(db, &scope, most)?;
        self.failed.set(Some((most, found)));
        Ok(found)
    }

    /// The one of them that failed last.
    pub fn last_failed_request(&self, db: &Read) -> Result<Option<RequestId>> {
        match self.actor.scope::<RequestsRead>() {
            Ok(scope) => store::last_failed(db, &scope),
            Err(_) => Ok(None),
        }
    }

    /// The form or JSON body.
    pub fn input(&self) -> Result<Input> {
        self.request.input()
    }

    /// The part of the path that the route calls `name`; garbage is as good as absent.
    pub fn param<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        let wanted = format!("{{{name}}}");
        let pairs = self.route.path.split('/').zip(self.request.path.split('/'));
        let found = pairs.into_iter().find(|(pattern, _)| *pattern == wanted);
        found.and_then(|(_, text)| text.parse().ok()).ok_or(Error::NotFound)
    }

    /// Which part of the list is asked for. Pages and API say it the same way. `filters` are the
    /// other query parameters the list takes; an unknown one is refused.
    pub fn paging(&self, filters: &[Field]) -> Result<Paging> {
        let mut rest = self.request.query.clone();
        rest.remove("limit");
        rest.remove("after");
        if !self.request.is_api() {
            // Rows that were picked on other pages of the list travel along.
            rest.remove(PICKED);
        }
        for name in rest.to_query().split('&').filter_map(|pair| pair.split('=').next()) {
            if !name.is_empty() && !filters.iter().any(|f| f.name == name) && self.request.is_api()
            {
                return Err(Error::invalid(name.to_owned(), "is not a filter of this list"));
            }
        }
        let context = format!("{} {} {}", self.request.path, rest.to_query(), self.actor.user);
        let query = &self.request.query;
        Paging::read(query.get("limit"), query.get("after"), context)
    }

    /// This list's address with its filters, at the cursor `next`.
    pub fn next_href(&self, next: Option<&String>) -> Option<String> {
        let mut query = self.request.query.clone();
        query.set("after", next?);
        Some(format!("{}?{}", self.request.path, query.to_query()))
    }

    /// This list's address with its filters, at the start.
    pub fn first_href(&self) -> String {
        let mut query = self.request.query.clone();
        query.remove("after");
        match query.to_query().as_str() {
            "" => self.request.path.clone(),
            query => format!("{}?{query}", self.request.path),
        }
    }

    /// Whether only a preview is asked for: nothing is done then.
    pub fn only_looks(&self) -> Result<bool> {
        match self.request.query.get("preview") {
            "" | "false" => Ok(false),
            "true" => Ok(true),
            _ => Err(Error::invalid("preview", "must be true or false")),
        }
    }

    /// The row version named by `If-Match`, or by the form's field `version`.
    pub fn expected_version(&self, input: &mut Input) -> Option<i64> {
        let header = self.request.header("If-Match").trim_matches('"').parse().ok();
        let field = input.get("version").parse().ok();
        if !self.request.is_api() {
            input.remove("version");
        }
        header.or(field.filter(|_| !self.request.is_api()))
    }
}

/// What the API's description does not name is refused: a filter that is mistyped would otherwise
/// give everything, and an order that was to be looked at only would be carried out. Bodies are
/// checked by whoever reads them.
fn no_strange_query(route: &Route, request: &Request) -> Result<()> {
    let Some(api) = &route.api else { return Ok(()) };
    let path = route.path.trim_start_matches("/api/v1");
    let fields = || api.takes.iter().map(|field| field.name);
    let known: Vec<&str> = match request.method {
        Method::Get if api.is_list() => fields().chain(["limit", "after"]).collect(),
        Method::Get => fields().collect(),
        // Where the body is a file, or an order to look only is said beside it, the address is
        // read like a body.
        _ if path.ends_with("import")
            || path.ends_with("}/sync")
            || path.ends_with("/v1/apply")
            || path == "/apply" =>
        {
            return Ok(());
        }
        Method::Delete => {
            fields().chain(routes::has_preview(request.method, path).then_some("preview")).collect()
        }
        _ => routes::has_preview(request.method, path).then_some("preview").into_iter().collect(),
    };
    match request.query.strangers(&known) {
        strange if strange.is_empty() => Ok(()),
        strange => Err(Error::Invalid(strange)),
    }
}

/// `{name}` stands for one part of the path.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (mut a, mut b) = (pattern.split('/'), path.split('/'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(p), Some(text)) if p == text => {}
            (Some(p), Some(text)) if p.starts_with('{') && !text.is_empty() => {}
            _ => return false,
        }
    }
}

/// Paths are matched as they are: nothing is decoded or resolved, so nothing can be hidden in it.
fn decent(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains("//")
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'%' && b != b'\\')
}

/// The cookie that holds a session. The prefix binds it to this host, where there is https.
pub fn cookie_name(request: &Request) -> &'static str {
    if request.secure { "__Host-portico" } else { "portico" }
}

/// The cookie by which a browser is known that somebody signed in with before.
pub fn browser_cookie(request: &Request) -> &'static str {
    if request.secure { "__Host-portico-browser" } else { "portico-browser" }
}

/// The network an address is counted by: itself, or its /64.
pub fn network(request: &Request) -> String {
    match request.address.to_canonical() {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Refuses a form that another site sends in a visitor's name, where there is no session yet whose
/// token could tell. Browsers say where a form comes from; programs that say nothing have no cookies.
pub fn same_site(app: &App, request: &Request) -> Result<()> {
    let settings = app.settings()?;
    app.own_host(request, &settings)?;
    let own = match request.header("Sec-Fetch-Site") {
        "" => {
            let origin = request.header("Origin");
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            origin.is_empty() || host.eq_ignore_ascii_case(request.header("Host"))
        }
        from => ["same-origin", "none"].contains(&from),
    };
    if own {
        return Ok(());
    }
    Err(Error::Forbidden(
        "This form was sent from another site. Open the page here and send it again.".into(),
    ))
}

pub fn too_many(seconds: u32) -> Error {
    Error::TooMany(seconds, format!("That was too often. Try again in {seconds} seconds."))
}

/// A token that differs each time it is sent and means the same.
fn mask(token: &str) -> Result<String> {
    let noise = secret::hex(&secret::random::<16>()?);
    let mixed: Vec<u8> = token.bytes().zip(noise.bytes()).map(|(a, b)| a ^ b).collect();
    Ok(format!("{noise}{}", secret::hex(&mixed)))
}

fn unmask(sent: &str) -> String {
    let Some((noise, mixed)) = sent.split_at_checked(32) else { return String::new() };
    let bytes = mixed
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    bytes.zip(noise.bytes()).map(|(a, b)| char::from(a ^ b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_token_means_the_same_and_looks_different() {
        let token = "0123456789abcdef0123456789abcdef";
        let (a, b) = (mask(token).unwrap(), mask(token).unwrap());
        assert_ne!(a, b);
        assert_eq!((unmask(&a), unmask(&b)), (token.to_owned(), token.to_owned()));
        assert_ne!(unmask("short"), token);
    }

    #[test]
    fn patterns_match_whole_paths() {
        assert!(matches("/users/{id}/services", "/users/7/services"));
        assert!(!matches("/users/{id}", "/users/") && !matches("/users/{id}", "/users/7/x"));
        assert!(
            decent("/users/7") && !decent("/users//7") && !decent("/users/%2e") && !decent("users")
        );
    }
}
