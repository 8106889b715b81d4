//! Every request this program answers, and what it takes to make it. The permission column is
//! checked by the compiler: it must be the one in the handler's `Scope` (or `Own`).

use crate::approvals;
use crate::assignments;
use crate::auth::permissions as may;
use crate::auth::{Admits, Permission};
use crate::brake;
use crate::connectors;
use crate::db::Db;
use crate::directory;
use crate::drift;
use crate::engine;
use crate::error::Result;
use crate::input::Field;
use crate::many;
use crate::matching;
use crate::scim;
use crate::users;
use crate::web::{App, Cx, Method, Request, Response};
use crate::{
    account, acting, activity, arrivals, billing, catalogue, customers, devices, health, invoices,
    jobs, kits, mail, moves, offboarding, offers, openapi, pins, prices, roles, search, setup,
    signin, system, today, views,
};

pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub permission: &'static str,
    pub admits: Admits,
    /// What the API's description says of it; none for pages.
    pub api: Option<Api>,
    pub run: fn(&Cx) -> Result<Response>,
}

/// One operation of the API.
pub struct Api {
    pub summary: &'static str,
    /// Fields of the body, or of the query where there is no body.
    pub takes: &'static [Field],
    /// Fields of the answer, or of one item of a list.
    pub gives: &'static [Field],
}

impl Api {
    /// Whether it answers with a part of a list, which its summary promises.
    pub fn is_list(&self) -> bool {
        self.summary.starts_with("List ")
    }
}

/// A request that needs no sign-in.
pub struct Public {
    pub method: Method,
    pub path: &'static str,
    /// Whether tries are counted by address.
    pub limited: bool,
    pub run: fn(&App, &Request) -> Result<Response>,
}

macro_rules! routes {
    ($($method:ident $path:literal $how:ident $permission:ident $handler:path $(, $summary:literal $takes:expr => $gives:expr)?;)+) => {
        pub const ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            permission: may::$permission::NAME,
            admits: may::$permission::ADMITS,
            api: routes!(@api $($summary $takes => $gives)?),
            run: |cx| $handler(cx, &cx.actor.$how::<may::$permission>()?),
        }),+];
    };
    (@api) => { None };
    (@api $summary:literal $takes:expr => $gives:expr) => {
        Some(Api { summary: $summary, takes: $takes, gives: $gives })
    };
}

macro_rules! public {
    ($($method:ident $path:literal $limited:ident $handler:path;)+) => {
        pub const PUBLIC: &[Public] = &[$(Public {
            method: Method::$method,
            path: $path,
            limited: public!(@ $limited),
            run: $handler,
        }),+];
    };
    (@ free) => { false };
    (@ limited) => { true };
}

public! {
    Get "/livez"          free    health::pages::live;
    Get "/readyz"         free    health::pages::ready;
    Get "/assets/{file}"  free    health::pages::asset;
    Get "/documents/{token}" limited invoices::pages::open_link;
    Post "/api/v1/callbacks/{step}/{token}" free engine::callback::receive;

    Get  "/setup"           limited setup::pages::show;
    Post "/setup"           limited setup::pages::create;
    Get  "/sign-in"         limited signin::pages::new;
    Post "/sign-in"         limited signin::pages::create;
    Get  "/reset"           limited signin::pages::forgotten;
    Post "/reset"           limited signin::pages::ask_for_link;
    Get  "/reset/{token}"   limited signin::pages::links::show_reset;
    Post "/reset/{token}"   limited signin::pages::links::reset;
    Get  "/welcome/{token}" limited signin::pages::links::show_welcome;
    Post "/welcome/{token}" limited signin::pages::links::welcome;
    Get  "/verify/{token}"   limited signin::pages::answers::show_verify;
    Post "/verify/{token}"   limited signin::pages::answers::verify;
    Get  "/recovery/{token}" limited signin::pages::answers::show_recovery;
    Post "/recovery/{token}" limited signin::pages::answers::recovery;
    Get  "/reset-by-code"    limited signin::pages::answers::show_by_code;
    Post "/reset-by-code"    limited signin::pages::answers::by_code;
}

routes! {
    Get  "/connectors"               scope ConnectorsRead  connectors::pages::index;
    Get  "/connectors/new"           scope ConnectorsWrite connectors::pages::form::new;
    Post "/connectors"               scope ConnectorsWrite connectors::pages::form::create;
    Get  "/connectors/{id}"          scope ConnectorsRead  connectors::pages::show;
    Get  "/connectors/{id}/edit"     scope ConnectorsWrite connectors::pages::form::edit;
    Post "/connectors/{id}"          scope ConnectorsWrite connectors::pages::form::update;
    Post "/connectors/{id}/doctor"   scope ConnectorsRead  connectors::pages::examine;
    Post "/connectors/{id}/pause"    scope ConnectorsWrite connectors::pages::pause;
    Post "/connectors/{id}/resume"   scope ConnectorsWrite connectors::pages::resume;
    Post "/connectors/{id}/rotate"   scope ConnectorsWrite connectors::pages::rotate;
    Get  "/connectors/{id}/gone"     scope ConnectorsWrite connectors::pages::gone_question;
    Post "/connectors/{id}/gone"     scope ConnectorsWrite connectors::pages::gone;
    Get  "/connectors/{id}/links"    scope ConnectorsRead  scim::pages::index;
    Post "/connectors/{id}/links/{link}/adopt"  scope ConnectorsWrite scim::pages::adopt;
    Post "/connectors/{id}/links/{link}/forget" scope ConnectorsWrite scim::pages::forget;
    Get  "/directories"              scope ConnectorsRead  directory::pages::environments::index;
    Get  "/directories/new"          scope ConnectorsWrite directory::pages::environments::new;
    Post "/directories"              scope ConnectorsWrite directory::pages::environments::create;
    Get  "/directories/{id}"         scope ConnectorsRead  directory::pages::environments::show;
    Get  "/directories/{id}/edit"    scope ConnectorsWrite directory::pages::environments::edit;
    Post "/directories/{id}"         scope ConnectorsWrite directory::pages::environments::update;
    Get  "/directories/{id}/detach"  scope ConnectorsWrite assignments::detach::pages::ask;
    Post "/directories/{id}/detach"  scope ConnectorsWrite assignments::detach::pages::create;
    Post "/directories/{id}/delete"  scope ConnectorsWrite directory::pages::environments::destroy;
    Get  "/directories/{id}/drift"      scope ConnectorsRead  drift::pages::index;
    Post "/directories/{id}/drift/look" scope ConnectorsWrite drift::pages::look;
    Get  "/drift/{id}"               scope ConnectorsRead  drift::pages::show;
    Post "/drift/{id}/push"          scope ConnectorsWrite drift::pages::push;
    Post "/drift/{id}/take"          scope ConnectorsWrite drift::pages::take;
    Post "/drift/{id}/ignore"        scope ConnectorsWrite drift::pages::ignore;
    Post "/drift/{id}/adopt"         scope ConnectorsWrite drift::pages::adopt;
    Post "/drift/{id}/forget"        scope ConnectorsWrite drift::pages::forget;
    Get  "/locations"                scope SettingsWrite   directory::pages::locations::index;
    Get  "/locations/new"            scope SettingsWrite   directory::pages::locations::new;
    Post "/locations"                scope SettingsWrite   directory::pages::locations::create;
    Get  "/locations/{id}"           scope SettingsWrite   directory::pages::locations::show;
    Get  "/locations/{id}/edit"      scope SettingsWrite   directory::pages::locations::edit;
    Post "/locations/{id}"           scope SettingsWrite   directory::pages::locations::update;
    Post "/locations/{id}/delete"    scope SettingsWrite   directory::pages::locations::destroy;
    Get  "/customers/{id}/location"  scope CustomersUpdate directory::pages::customer::show;
    Post "/customers/{id}/location"  scope CustomersUpdate directory::pages::customer::update;
    Get  "/customers/{id}/directory-import"       scope UsersImport matching::pages::import::new;
    Post "/customers/{id}/directory-import"       scope UsersImport matching::pages::import::create;
    Post "/customers/{id}/directory-import/check" scope UsersImport matching::pages::import::check_it;
    Get  "/customers/{id}/directory-sync"         scope ConnectorsWrite matching::pages::sync::show;
    Post "/customers/{id}/directory-sync"         scope ConnectorsWrite matching::pages::sync::update;
    Post "/customers/{id}/directory-sync/check"   scope ConnectorsWrite matching::pages::sync::check;
    Post "/customers/{id}/directory-sync/run"     scope ConnectorsWrite matching::pages::sync::run;
    Post "/customers/{id}/directory-sync/end"     scope ConnectorsWrite matching::pages::sync::destroy;
    Get  "/proposals"                scope UsersImport     matching::pages::proposals::index;
    Get  "/proposals/{id}"           scope UsersImport     matching::pages::proposals::show;
    Post "/proposals/{id}/link"      scope UsersImport     matching::pages::proposals::link_it;
    Post "/proposals/{id}/create"    scope UsersImport     matching::pages::proposals::create;
    Post "/proposals/{id}/ignore"    scope UsersImport     matching::pages::proposals::ignore;
    Get  "/users/{id}/directory"     scope UsersImport     matching::pages::links::show;
    Post "/users/{id}/directory/unlink" scope UsersImport  matching::pages::links::unlink;
    Get  "/users/{id}/directory/same"   scope UsersImport  matching::pages::same::show;
    Post "/users/{id}/directory/adopt"  scope UsersImport  matching::pages::same::adopt;
    Get  "/credentials"              scope ConnectorsRead  connectors::credentials::pages::index;
    Get  "/credentials/new"          scope ConnectorsWrite connectors::credentials::pages::new;
    Post "/credentials"              scope ConnectorsWrite connectors::credentials::pages::create;
    Get  "/credentials/{id}"         scope ConnectorsRead  connectors::credentials::pages::show;
    Get  "/credentials/{id}/edit"    scope ConnectorsWrite connectors::credentials::pages::edit;
    Post "/credentials/{id}"         scope ConnectorsWrite connectors::credentials::pages::update;
    Post "/credentials/{id}/rotate"  scope ConnectorsWrite connectors::credentials::pages::rotate;
    Post "/credentials/{id}/delete"  scope ConnectorsWrite connectors::credentials::pages::destroy;
    Get  "/scripts"                  scope RulesWrite      connectors::pages::scripts::scripts;
    Get  "/scripts/{name}"           scope RulesWrite      connectors::pages::scripts::script;
    Post "/scripts/{name}/enable"    scope RulesWrite      connectors::pages::scripts::enable;

    Get   "/api/v1/connectors"             scope ConnectorsRead  connectors::api::index, "List connectors" &[] => connectors::api::OUT;
    Post  "/api/v1/connectors"             scope ConnectorsWrite connectors::api::create, "Add a connector" connectors::NEW => connectors::api::OUT;
    Get   "/api/v1/connectors/{id}"        scope ConnectorsRead  connectors::api::show, "Show a connector" &[] => connectors::api::OUT;
    Patch "/api/v1/connectors/{id}"        scope ConnectorsWrite connectors::api::update, "Change a connector" connectors::EDIT => connectors::api::OUT;
    Post  "/api/v1/connectors/{id}/doctor" scope ConnectorsRead  connectors::api::examine, "Try a connector" &[] => connectors::api::CHECKS;
    Post  "/api/v1/connectors/{id}/pause"  scope ConnectorsWrite connectors::api::pause, "Pause a connector" &[] => &[];
    Post  "/api/v1/connectors/{id}/resume" scope ConnectorsWrite connectors::api::resume, "Let a connector go on" &[] => &[];
    Post  "/api/v1/connectors/{id}/gone"   scope ConnectorsWrite connectors::api::gone, "Give a connector up" connectors::api::CONFIRM => &[];
    Post  "/api/v1/connectors/{id}/rotate" scope ConnectorsWrite connectors::api::rotate, "Get a new signing secret" &[] => connectors::api::SECRET;
    Get   "/api/v1/connectors/{id}/links"  scope ConnectorsRead  scim::api::index, "List accounts and groups that wait for a decision" &[] => scim::api::OUT;
    Post  "/api/v1/connectors/{id}/links/{link}/adopt"  scope ConnectorsWrite scim::api::adopt, "Say that it is the same" &[] => &[];
    Post  "/api/v1/connectors/{id}/links/{link}/forget" scope ConnectorsWrite scim::api::forget, "Forget it, so that it is made anew or left alone" &[] => &[];
    Get    "/api/v1/directories"      scope ConnectorsRead  directory::api::index, "List directories" &[] => directory::api::DIRECTORY;
    Post   "/api/v1/directories"      scope ConnectorsWrite directory::api::create, "Add a directory" directory::environments::NEW => directory::api::DIRECTORY;
    Get    "/api/v1/directories/{id}" scope ConnectorsRead  directory::api::show, "Show a directory" &[] => directory::api::DIRECTORY;
    Patch  "/api/v1/directories/{id}" scope ConnectorsWrite directory::api::update, "Change a directory" directory::environments::EDIT => directory::api::DIRECTORY;
    Delete "/api/v1/directories/{id}" scope ConnectorsWrite directory::api::destroy, "Delete a directory that nobody lives in" &[] => &[];
    Post   "/api/v1/directories/{id}/detach" scope ConnectorsWrite assignments::detach::api::create, "Forget what customers have in a directory by services; nothing outside is touched" assignments::detach::DETACH => assignments::detach::api::STARTED;
    Get    "/api/v1/directories/{id}/browse" scope ConnectorsRead matching::api::browse, "Look at one level of a directory's tree" matching::api::BROWSE => matching::api::LEVEL;
    Post   "/api/v1/customers/{id}/directory-import" scope UsersImport matching::api::import, "Import users from the directory a customer lives in; dry_run=true looks only" matching::import::WANTED => matching::api::REPORT;
    Get    "/api/v1/customers/{id}/directory-sync" scope ConnectorsWrite matching::api::sync, "Say how a customer follows its directory" &[] => matching::api::SYNC;
    Put    "/api/v1/customers/{id}/directory-sync" scope ConnectorsWrite matching::api::put_sync, "Let a customer follow its directory" matching::sync::EDIT => matching::api::SYNC;
    Delete "/api/v1/customers/{id}/directory-sync" scope ConnectorsWrite matching::api::end_sync, "Let a customer follow no directory" &[] => &[];
    Post   "/api/v1/directories/{id}/sync" scope ConnectorsWrite matching::api::run_syncs, "Sync those who follow a directory; dry_run=true looks only" matching::api::RUN => matching::api::RUNS;
    Get    "/api/v1/directories/{id}/drift" scope ConnectorsRead drift::api::index, "List what others changed in a directory" drift::FILTERS => drift::api::FINDING;
    Post   "/api/v1/directories/{id}/drift/look" scope ConnectorsWrite drift::api::look, "Look through a directory for what others changed" &[] => drift::api::RUN;
    Get    "/api/v1/drift/{id}"        scope ConnectorsRead  drift::api::show, "Show what others changed" &[] => drift::api::FINDING;
    Post   "/api/v1/drift/{id}/push"   scope ConnectorsWrite drift::api::push, "Bring ours to the directory again" &[] => drift::api::PUSHED;
    Post   "/api/v1/drift/{id}/take"   scope ConnectorsWrite drift::api::take, "Take over what is in the directory" &[] => drift::api::FINDING;
    Post   "/api/v1/drift/{id}/ignore" scope ConnectorsWrite drift::api::ignore, "Let a difference be" drift::verbs::IGNORE => drift::api::FINDING;
    Post   "/api/v1/drift/{id}/adopt"  scope ConnectorsWrite drift::api::adopt, "Take up what nobody has" drift::adopt::ADOPT => drift::api::FINDING;
    Post   "/api/v1/drift/{id}/forget" scope ConnectorsWrite drift::api::forget, "Let an object be nobody's" &[] => drift::api::FINDING;
    Get    "/api/v1/proposals"        scope UsersImport     matching::api::index, "List accounts that may be somebody's" matching::proposals::FILTERS => matching::api::PROPOSAL;
    Get    "/api/v1/proposals/{id}"   scope UsersImport     matching::api::show, "Show an account that may be somebody's" &[] => matching::api::PROPOSAL;
    Post   "/api/v1/proposals/{id}/link"   scope UsersImport matching::api::link, "Link the account with a user" matching::proposals::LINK => matching::api::PROPOSAL;
    Post   "/api/v1/proposals/{id}/create" scope UsersImport matching::api::create, "Make a user of the account" matching::proposals::CREATE => matching::api::PROPOSAL;
    Post   "/api/v1/proposals/{id}/ignore" scope UsersImport matching::api::ignore, "Set the account aside" &[] => matching::api::PROPOSAL;
    Get    "/api/v1/users/{id}/directory"  scope UsersImport matching::api::accounts, "Say which accounts in directories are a user's" &[] => matching::api::LINKS;
    Get    "/api/v1/users/{id}/directory/same" scope UsersImport matching::api::same, "Look for accounts in the directory that have a user's name" &[] => matching::api::SAME;
    Post   "/api/v1/users/{id}/directory/adopt" scope UsersImport matching::api::adopt, "Let an account of the same name be a user's" matching::adopt::ADOPT => matching::api::LINKS;
    Post   "/api/v1/users/{id}/directory/unlink" scope UsersImport matching::api::unlink, "Unlink an account from a user" matching::links::UNLINK => &[];
    Get    "/api/v1/locations"        scope SettingsWrite   directory::api::locations, "List locations" &[] => directory::api::LOCATION;
    Post   "/api/v1/locations"        scope SettingsWrite   directory::api::create_location, "Add a location" directory::locations::NEW => directory::api::LOCATION;
    Get    "/api/v1/locations/{id}"   scope SettingsWrite   directory::api::show_location, "Show a location" &[] => directory::api::LOCATION;
    Patch  "/api/v1/locations/{id}"   scope SettingsWrite   directory::api::update_location, "Change a location" directory::locations::EDIT => directory::api::LOCATION;
    Delete "/api/v1/locations/{id}"   scope SettingsWrite   directory::api::destroy_location, "Delete a location that nobody lives in" &[] => &[];
    Get    "/api/v1/customers/{id}/location" scope CustomersRead   directory::api::residence, "Say where a customer lives" &[] => directory::api::RESIDENCE;
    Put    "/api/v1/customers/{id}/location" scope CustomersUpdate directory::api::live, "Let a customer live somewhere" directory::locations::LIVE => directory::api::RESIDENCE;
    Get    "/api/v1/credentials"             scope ConnectorsRead  connectors::credentials::api::index, "List credentials" &[] => connectors::credentials::api::OUT;
    Post   "/api/v1/credentials"             scope ConnectorsWrite connectors::credentials::api::create, "Keep a credential" connectors::credentials::NEW => connectors::credentials::api::OUT;
    Get    "/api/v1/credentials/{id}"        scope ConnectorsRead  connectors::credentials::api::show, "Show a credential without its secret" &[] => connectors::credentials::api::OUT;
    Patch  "/api/v1/credentials/{id}"        scope ConnectorsWrite connectors::credentials::api::update, "Change a credential's name or end" connectors::credentials::EDIT => connectors::credentials::api::OUT;
    Post   "/api/v1/credentials/{id}/rotate" scope ConnectorsWrite connectors::credentials::api::rotate, "Put a new secret in its place, once it was tried" connectors::credentials::ROTATE => &[];
    Delete "/api/v1/credentials/{id}"        scope ConnectorsWrite connectors::credentials::api::destroy, "Delete a credential that nothing uses" &[] => &[];
    Get   "/api/v1/scripts"                scope RulesWrite      connectors::api::all_scripts, "List scripts" &[] => connectors::api::SCRIPT;
    Post  "/api/v1/scripts/{name}/enable"  scope RulesWrite      connectors::api::enable_script, "Enable a script" connectors::api::ENABLE => &[];

    Get  "/requests"                     scope RequestsRead  engine::pages::list::index;
    Get  "/requests/{id}"                scope RequestsRead  engine::pages::show::show;
    Get  "/requests/{id}/live"           scope RequestsRead  engine::pages::show::live_part;
    Post "/requests/{id}/retry"          scope RequestsRetry engine::pages::show::retry;
    Get  "/requests/{id}/cancel"         scope RequestsRead  engine::pages::show::cancel_question;
    Post "/requests/{id}/cancel"         scope RequestsRetry engine::pages::show::cancel;
    Get  "/customers/{id}/requests"      scope RequestsRead  engine::pages::list::of_customer;
    Get  "/users/{id}/requests"          scope RequestsRead  engine::pages::list::of_user;
    Get  "/engine"                       scope SystemOperate engine::pages::engine::index;
    Post "/engine/{name}/pause"          scope SystemOperate engine::pages::engine::pause;
    Post "/engine/{name}/resume"         scope SystemOperate engine::pages::engine::resume;
    Post "/engine/{name}/workers"        scope SystemOperate engine::queues::pages::update;
    Get  "/engine/routes"                scope SystemOperate engine::queues::pages::index;
    Post "/engine/routes"                scope SystemOperate engine::queues::pages::create;
    Post "/engine/routes/{id}/delete"    scope SystemOperate engine::queues::pages::delete;
    Get  "/tasks"                        scope RequestsRead  engine::tasks::pages::index;
    Get  "/tasks/{id}"                   scope RequestsRead  engine::tasks::pages::show;
    Post "/tasks/{id}/complete"          scope RequestsRead  engine::tasks::pages::complete;
    Post "/tasks/{id}/refuse"            scope RequestsRead  engine::tasks::pages::refuse;
    Post "/tasks/{id}/assign"            scope RequestsRead  engine::tasks::pages::assign;
    Get  "/freezes"                      scope SystemOperate engine::freezes::pages::index;
    Post "/freezes"                      scope SystemOperate engine::freezes::pages::create;
    Post "/freezes/{id}/lift"            scope SystemOperate engine::freezes::pages::lift;
    Get  "/rules"                        scope RulesWrite    engine::rules::pages::index;
    Get  "/rules/new"                    scope RulesWrite    engine::rules::pages::new;
    Post "/rules"                        scope RulesWrite    engine::rules::pages::create;
    Get  "/rules/{id}"                   scope RulesWrite    engine::rules::pages::show;
    Post "/rules/{id}"                   scope RulesWrite    engine::rules::pages::update;
    Post "/rules/{id}/enable"            scope RulesWrite    engine::rules::pages::enable;
    Post "/rules/{id}/disable"           scope RulesWrite    engine::rules::pages::disable;
    Post "/rules/{id}/dry-run"           scope RulesWrite    engine::rules::pages::dry_run;
    Post "/rules/{id}/versions/{version}/revert" scope RulesWrite engine::rules::pages::revert;
    Get  "/rules/{id}/delete"            scope RulesWrite    engine::rules::pages::ask_delete;
    Post "/rules/{id}/delete"            scope RulesWrite    engine::rules::pages::delete;

    Get  "/held"                         scope RequestsRelease brake::pages::index;
    Get  "/held/{id}"                    scope RequestsRelease brake::pages::show;
    Get  "/held/of-run/{id}"             scope RequestsRelease brake::pages::of_run;
    Get  "/held/of-request/{id}"         scope RequestsRelease brake::pages::of_request;
    Post "/held/{id}/release"            scope RequestsRelease brake::pages::release;
    Post "/held/{id}/refuse"             scope RequestsRelease brake::pages::refuse;
    Get  "/api/v1/held"                  scope RequestsRelease brake::api::index, "List work that is held" brake::api::NOTHING => brake::api::OUT;
    Get  "/api/v1/held/{id}"             scope RequestsRelease brake::api::show, "Show work that is held" brake::api::NOTHING => brake::api::OUT;
    Get  "/api/v1/held/{id}/items"       scope RequestsRelease brake::api::list_items, "List what held work would take" brake::api::NOTHING => brake::api::ITEM;
    Post "/api/v1/held/{id}/release"     scope RequestsRelease brake::api::release, "Let held work go" brake::RELEASE => brake::api::OUT;
    Post "/api/v1/held/{id}/refuse"      scope RequestsRelease brake::api::refuse, "Refuse held work" brake::REFUSE => brake::api::OUT;
    Post "/api/v1/runs/{id}/release"     scope RequestsRelease brake::api::release_run, "Let a held run go" brake::RELEASE => brake::api::OUT;
    Post "/api/v1/requests/{id}/release" scope RequestsRelease brake::api::release_request, "Let a held request go" brake::RELEASE => brake::api::OUT;
    Get  "/api/v1/requests"              scope RequestsRead  engine::api::index, "List requests" engine::api::FILTERS => engine::api::ROW;
    Get  "/api/v1/requests/errors.atom"  scope RequestsRead  engine::feed::show, "Read what failed lately, as a feed" engine::api::NOTHING => engine::api::NOTHING;
    Get  "/api/v1/requests/{id}"         scope RequestsRead  engine::api::show, "Show a request with its steps" engine::api::NOTHING => engine::api::OUT;
    Post "/api/v1/requests/{id}/retry"   scope RequestsRetry engine::api::retry, "Let a failed request go on" engine::RETRY => engine::api::DONE;
    Post "/api/v1/requests/{id}/cancel"  scope RequestsRetry engine::api::cancel, "Cancel a request" engine::api::NOTHING => engine::api::DONE;
    Patch  "/api/v1/queues/{name}"       scope SystemOperate engine::queues::api::update, "Change a queue" engine::queues::QUEUE => engine::api::NOTHING;
    Get    "/api/v1/queues/routes"       scope SystemOperate engine::queues::api::index, "List the routes to queues" engine::api::NOTHING => engine::queues::api::OUT;
    Post   "/api/v1/queues/routes"       scope SystemOperate engine::queues::api::create, "Add a route to a queue" engine::queues::ROUTE => engine::queues::api::OUT;
    Delete "/api/v1/queues/routes/{id}"  scope SystemOperate engine::queues::api::destroy, "Delete a route to a queue" engine::api::NOTHING => engine::api::NOTHING;
    Get    "/api/v1/queues/where"        scope SystemOperate engine::queues::api::find, "Show which queue a request would wait in" engine::queues::ASKED => engine::queues::api::WHERE;
    Get    "/api/v1/tasks"               scope RequestsRead  engine::tasks::api::index, "List tasks" engine::tasks::api::FILTERS => engine::tasks::api::OUT;
    Get    "/api/v1/tasks/{id}"          scope RequestsRead  engine::tasks::api::show, "Show a task" engine::api::NOTHING => engine::tasks::api::OUT;
    Post   "/api/v1/tasks/{id}/complete" scope RequestsRead  engine::tasks::api::complete, "Say that a task is done" engine::tasks::COMPLETE => engine::tasks::api::OUT;
    Post   "/api/v1/tasks/{id}/refuse"   scope RequestsRead  engine::tasks::api::refuse, "Refuse a task" engine::tasks::REFUSE => engine::tasks::api::OUT;
    Post   "/api/v1/tasks/{id}/assign"   scope RequestsRead  engine::tasks::api::assign, "Give a task to somebody" engine::tasks::ASSIGN => engine::tasks::api::OUT;
    Get    "/api/v1/freezes"             scope SystemOperate engine::freezes::api::index, "List freezes" engine::freezes::api::NOTHING => engine::freezes::api::OUT;
    Post   "/api/v1/freezes"             scope SystemOperate engine::freezes::api::create, "Set a freeze" engine::freezes::FIELDS => engine::freezes::api::OUT;
    Get    "/api/v1/freezes/{id}"        scope SystemOperate engine::freezes::api::show, "Show a freeze" engine::freezes::api::NOTHING => engine::freezes::api::OUT;
    Delete "/api/v1/freezes/{id}"        scope SystemOperate engine::freezes::api::destroy, "Lift a freeze" engine::freezes::api::NOTHING => engine::freezes::api::NOTHING;
    Get    "/api/v1/rules"               scope RulesWrite    engine::rules::api::index, "List rules" engine::rules::api::FILTERS => engine::rules::api::OUT;
    Post   "/api/v1/rules"               scope RulesWrite    engine::rules::api::create, "Add a rule" engine::rules::FIELDS => engine::rules::api::OUT;
    Get    "/api/v1/rules/names"         scope RulesWrite    engine::rules::api::named, "Show what a rule may name" engine::rules::api::FILTERS => engine::rules::api::NAMES;
    Get    "/api/v1/rules/{id}"          scope RulesWrite    engine::rules::api::show, "Show a rule" engine::rules::api::NOTHING => engine::rules::api::OUT;
    Patch  "/api/v1/rules/{id}"          scope RulesWrite    engine::rules::api::update, "Change a rule" engine::rules::FIELDS => engine::rules::api::OUT;
    Delete "/api/v1/rules/{id}"          scope RulesWrite    engine::rules::api::destroy, "Delete a rule" engine::rules::api::NOTHING => engine::rules::api::NOTHING;
    Post   "/api/v1/rules/{id}/enable"   scope RulesWrite    engine::rules::api::enable, "Switch a rule on" engine::rules::api::NOTHING => engine::rules::api::OUT;
    Post   "/api/v1/rules/{id}/disable"  scope RulesWrite    engine::rules::api::disable, "Switch a rule off" engine::rules::api::NOTHING => engine::rules::api::OUT;
    Post   "/api/v1/rules/{id}/revert"   scope RulesWrite    engine::rules::api::revert, "Take up an old version of a rule" engine::rules::api::REVERT => engine::rules::api::OUT;
    Post   "/api/v1/rules/{id}/dry-run"  scope RulesWrite    engine::rules::api::dry_run, "Try a rule on somebody" engine::rules::DRY => engine::rules::api::RUN;
    Get    "/api/v1/rules/{id}/versions" scope RulesWrite    engine::rules::api::history, "Show the versions of a rule" engine::rules::api::NOTHING => engine::rules::api::VERSIONS;
    Get  "/api/v1/queues"                scope SystemOperate engine::api::queues, "List the queues" engine::api::NOTHING => engine::api::QUEUE;
    Post "/api/v1/queues/{name}/pause"   scope SystemOperate engine::api::pause, "Pause a queue" engine::api::NOTHING => engine::api::NOTHING;
    Post "/api/v1/queues/{name}/resume"  scope SystemOperate engine::api::resume, "Let a queue go on" engine::api::NOTHING => engine::api::NOTHING;

    Get  "/api"                  own   AccountRead  openapi::pages::index;
    Get  "/api/v1/openapi.json"  own   AccountRead  openapi::api::show, "Describe the API" &[] => openapi::api::OUT;
    Get  "/system"               scope SettingsRead health::pages::system;
    Post "/system/doctor"        scope SystemOperate health::pages::examine;
    Get  "/api/v1/system"        scope SettingsRead health::api::system, "Show how Portico is doing" &[] => health::api::SYSTEM;
    Post "/api/v1/system/doctor" scope SystemOperate health::api::examine, "Examine the installation" &[] => health::api::EXAMINATION;

    Post "/sign-out" own AccountRead signin::pages::destroy;
    Get  "/sign-in/code" own AccountRead signin::pages::show_code;
    Post "/sign-in/code" own AccountRead signin::pages::take_code;
    Get  "/again"    own AccountRead signin::pages::show_again;
    Post "/again"    own AccountRead signin::pages::give_again;
    Get  "/users/{id}/password-link" scope UsersPassword signin::pages::links::link_question;
    Post "/users/{id}/password-link" scope UsersPassword signin::pages::links::send_link;
    Get  "/users/{id}/welcome"       scope UsersPassword signin::pages::links::welcome_question;
    Post "/users/{id}/welcome"       scope UsersPassword signin::pages::links::send_welcome;
    Post "/api/v1/users/{id}/password-link" scope UsersPassword signin::api::password_link, "Send a password link" signin::api::SEND => signin::api::OUT;
    Post "/api/v1/users/{id}/welcome" scope UsersPassword signin::api::welcome, "Send a welcome" signin::api::SEND => signin::api::OUT;
    Get  "/users/{id}/sign-in"          scope UsersRead     signin::pages::others::show;
    Post "/users/{id}/end-sessions"     scope UsersDisable  signin::pages::others::end_sessions;
    Post "/users/{id}/unlock"           scope UsersDisable  signin::pages::others::unlock;
    Post "/users/{id}/require-password" scope UsersPassword signin::pages::others::require_password;
    Post "/users/{id}/password-stays"   scope UsersPassword signin::pages::others::let_password_stay;
    Post "/users/{id}/reset-factor"     scope UsersMfa      signin::pages::others::reset_factor;
    Get  "/users/{id}/verify"           scope UsersPassword signin::pages::others::verify;
    Get  "/users/{id}/verify/live"      scope UsersPassword signin::pages::others::verify_live;
    Post "/users/{id}/verify"           scope UsersPassword signin::pages::others::ask_who;
    Get  "/api/v1/users/{id}/sign-in"          scope UsersRead     signin::api::standing, "Show how a user's sign-in stands" &[] => signin::api::STANDING;
    Post "/api/v1/users/{id}/end-sessions"     scope UsersDisable  signin::api::end_sessions, "End a user's sign-ins" &[] => &[];
    Post "/api/v1/users/{id}/unlock"           scope UsersDisable  signin::api::unlock, "Lift a lock" &[] => &[];
    Post "/api/v1/users/{id}/require-password" scope UsersPassword signin::api::require_password, "Ask for a new password" &[] => &[];
    Post "/api/v1/users/{id}/password-stays"   scope UsersPassword signin::api::let_password_stay, "Let a password never end" signin::others::STAYS => &[];
    Post "/api/v1/users/{id}/reset-factor"     scope UsersMfa      signin::api::reset_factor, "Take a second factor that is lost" signin::others::RESET => &[];
    Get  "/api/v1/users/{id}/verify"           scope UsersPassword signin::api::asked, "Show whether a user was verified" &[] => signin::api::ASKED;
    Post "/api/v1/users/{id}/verify"           scope UsersPassword signin::api::ask_who, "Ask by mail who is on the telephone" signin::others::VERIFY => signin::api::ASKED;

    Get  "/account"          own AccountRead account::pages::show;
    Post "/account"          own AccountRead account::pages::update;
    Post "/account/recovery" own AccountRead account::pages::send_proof;
    Post "/account/stop-acting" own AccountRead acting::pages::destroy;
    Get  "/users/{id}/act-as" scope UsersActAs acting::pages::new;
    Post "/users/{id}/act-as" scope UsersActAs acting::pages::create;
    Get  "/account/details"  own AccountUpdate account::pages::details::show;
    Post "/account/details"  own AccountUpdate account::pages::details::update;
    Patch "/api/v1/account/details" own AccountUpdate account::api::details, "Change one's own numbers and addresses" users::fields::OWN => &[];
    Post "/account/theme"    own AccountRead account::pages::set_theme;
    Get  "/account/password" own AccountRead account::pages::password;
    Post "/account/password" own AccountRead account::pages::set_password;
    Get  "/account/factor"   own AccountRead account::pages::factor::show;
    Post "/account/factor"   own AccountRead account::pages::factor::set;
    Post "/account/factor/codes"  own AccountRead account::pages::factor::renew;
    Post "/account/factor/remove" own AccountRead account::pages::factor::remove;
    Get  "/account/sign-ins" own AccountRead account::pages::sign_ins;
    Post "/account/sessions/end-others" own AccountRead account::pages::end_other_sessions;
    Post "/account/sessions/{key}/end"  own AccountRead account::pages::end_session;
    Get  "/account/tokens"   own TokensOwn account::pages::tokens::index;
    Post "/account/tokens"   own TokensOwn account::pages::tokens::create;
    Post "/account/tokens/{id}/revoke" own AccountRead account::pages::tokens::destroy;
    Get  "/users/{id}/tokens" scope TokensManage account::pages::tokens::of_user;
    Post "/users/{id}/tokens" scope UsersRename account::pages::tokens::create_for;
    Post "/users/{id}/tokens/{token}/revoke" scope TokensManage account::pages::tokens::destroy_of;
    Get  "/api/v1/users/{id}/tokens" own AccountRead account::api::index, "List a user's API tokens" &[] => account::api::OUT;
    Post "/api/v1/users/{id}/tokens" own AccountRead account::api::create, "Make an API token" account::api::MAKE => account::api::OUT;
    Delete "/api/v1/tokens/{id}" own AccountRead account::api::destroy, "Revoke an API token" &[] => &[];

    Post "/roles/{id}/factor"              scope SettingsWrite roles::pages::list::factor;
    Put  "/api/v1/roles/{id}/factor"       scope SettingsWrite roles::api::factor, "Decide whether a role needs a second factor" roles::FACTOR => &[];
    Get  "/roles"                          scope RolesRead  roles::pages::list::index;
    Get  "/roles/{id}"                     scope RolesRead  roles::pages::list::show;
    Get  "/customers/{id}/roles/new"       scope RolesWrite roles::pages::editor::new;
    Post "/customers/{id}/roles"           scope RolesWrite roles::pages::editor::create;
    Get  "/roles/{id}/edit"                scope RolesWrite roles::pages::editor::edit;
    Post "/roles/{id}/edit"                scope RolesWrite roles::pages::editor::update;
    Get  "/roles/{id}/copy"                scope RolesWrite roles::pages::editor::ask_copy;
    Post "/roles/{id}/copy"                scope RolesWrite roles::pages::editor::copy;
    Get  "/roles/{id}/delete"              scope RolesWrite roles::pages::editor::ask_delete;
    Post "/roles/{id}/delete"              scope RolesWrite roles::pages::editor::destroy;
    Get  "/customers/{id}/access"          scope RolesRead  roles::pages::outsiders::index;
    Get  "/customers/{id}/allowed-roles"   scope RolesRead  roles::pages::allowed::index;
    Get  "/customers/{id}/allowed-roles/{role}" scope RolesAllow roles::pages::allowed::ask;
    Post "/customers/{id}/allowed-roles/{role}" scope RolesAllow roles::pages::allowed::set;
    Get  "/account/why"                    own   AccountRead roles::pages::why::own;
    Get  "/access/why"                     scope RolesRead  roles::pages::why::others;
    Get  "/users/{id}/access"              scope RolesRead  roles::pages::held::held;
    Post "/users/{id}/roles"               scope RolesGrant roles::pages::held::create;
    Post "/users/{id}/roles/{grant}/take"  scope RolesGrant roles::pages::held::destroy;
    Get  "/api/v1/roles"                   scope RolesRead  roles::api::index, "List roles" &[] => roles::api::OUT;
    Get  "/api/v1/roles/{id}"              scope RolesRead  roles::api::one, "Show a role" &[] => roles::api::OUT;
    Get  "/api/v1/users/{id}/roles"        scope RolesRead  roles::api::held, "List the roles somebody holds" &[] => roles::api::GRANT_OUT;
    Post "/api/v1/users/{id}/roles"        scope RolesGrant roles::api::create, "Give a role" roles::GRANT => roles::api::GRANT_OUT;
    Delete "/api/v1/users/{id}/roles/{grant}" scope RolesGrant roles::api::destroy, "Take a role" roles::TAKE => &[];
    Get    "/api/v1/access/why"               own AccountRead roles::api::explain, "Explain what stands in the way" roles::why::ASK => roles::api::CHECK;
    Get    "/api/v1/customers/{id}/roles"     scope RolesRead  roles::api::of_customer, "List the roles of a customer" &[] => roles::api::OUT;
    Post   "/api/v1/customers/{id}/roles"     scope RolesWrite roles::api::make, "Make a role" roles::custom::ROLE => roles::api::OUT;
    Patch  "/api/v1/roles/{id}"               scope RolesWrite roles::api::update, "Change a role" roles::custom::EDIT => roles::api::OUT;
    Delete "/api/v1/roles/{id}"               scope RolesWrite roles::api::delete, "Delete a role" roles::custom::DELETE => &[];
    Post   "/api/v1/roles/{id}/copy"          scope RolesWrite roles::api::copy, "Copy a role" roles::custom::COPY => roles::api::OUT;
    Get    "/api/v1/customers/{id}/access"    scope RolesRead  roles::api::access, "List everybody whose rights reach a customer" &[] => roles::api::REACHING;
    Get    "/api/v1/customers/{id}/allowed-roles" scope RolesRead roles::api::allowed_roles, "List which roles are allowed at a customer" &[] => roles::api::ALLOWED;
    Put    "/api/v1/customers/{id}/allowed-roles/{role}" scope RolesAllow roles::api::allow, "Say whether a role is allowed at a customer" roles::allowed::ALLOW => roles::api::EFFECT;

    Get  "/settings"                      scope SettingsRead  system::pages::show;
    Post "/settings"                      scope SettingsWrite system::pages::update;
    Post "/settings/test-mail"            scope SettingsWrite system::pages::try_mail;
    Post "/settings/forget-mail-password" scope SettingsWrite system::pages::drop_password;
    Get  "/api/v1/settings"               scope SettingsRead  system::api::index, "List the settings" &[] => system::api::OUT;
    Patch "/api/v1/settings"              scope SettingsWrite system::api::update, "Change settings" system::api::CHANGE => system::api::OUT;
    Post "/api/v1/settings/test-mail"     scope SettingsWrite system::api::try_mail, "Send a test mail to oneself" &[] => system::api::TRIAL;

    Get  "/audit"                scope AuditRead activity::pages::index;
    Get  "/customers/{id}/audit" scope AuditRead activity::pages::of_customer;
    Get  "/users/{id}/audit"     scope AuditRead activity::pages::of_user;
    Get  "/api/v1/audit"         scope AuditRead activity::api::index, "List changes" activity::FILTERS => activity::api::OUT;

    Get  "/mail"             scope MessagesRead mail::pages::index;
    Get  "/mail/{id}"        scope MessagesRead mail::pages::show;
    Post "/mail/{id}/resend" scope MessagesRead mail::pages::send_again;
    Post "/mail/{id}/cancel" scope MessagesRead mail::pages::stop;
    Get  "/api/v1/messages"  scope MessagesRead mail::api::index, "List mails" mail::api::FILTERS => mail::api::OUT;
    Get  "/api/v1/messages/{id}" scope MessagesRead mail::api::show, "Show a mail" &[] => mail::api::OUT;
    Post "/api/v1/messages/{id}/resend" scope MessagesRead mail::api::send_again, "Send a mail again" &[] => mail::api::OUT;
    Post "/api/v1/messages/{id}/cancel" scope MessagesRead mail::api::stop, "Cancel a mail" &[] => mail::api::OUT;
    Get  "/"                       own   AccountRead  health::pages::home;

    Get  "/today"                  own   AccountRead  today::pages::index;
    Get  "/search"                 own   AccountRead  search::pages::index;
    Get  "/search/hits"            own   AccountRead  search::pages::live;
    Get  "/api/v1/today"           own   AccountRead  today::api::index, "List what wants somebody today" &[] => today::api::OUT;
    Get  "/api/v1/search"          own   AccountRead  search::api::index, "Find customers, users and invoices" search::api::TAKES => search::api::OUT;

    Get  "/jobs"                   scope JobsRead     jobs::pages::index;
    Get  "/jobs/{id}"              scope JobsRead     jobs::pages::show;
    Post "/jobs/{id}/run"          scope JobsRun      jobs::pages::run;
    Post "/jobs/{id}/enable"       scope JobsRun      jobs::pages::enable;
    Post "/jobs/{id}/disable"      scope JobsRun      jobs::pages::disable;
    Get  "/runs/{id}"              own   AccountRead  jobs::pages::show_run;
    Get  "/runs/{id}/live"         own   AccountRead  jobs::pages::live_run;
    Get  "/runs/{id}/results"      own   AccountRead  jobs::results::download;
    Post "/runs/{id}/cancel"       own   AccountRead  jobs::pages::cancel_run;
    Get  "/api/v1/jobs"            scope JobsRead     jobs::api::index, "List the jobs" &[] => jobs::api::JOB;
    Post "/api/v1/jobs/{id}/run"   scope JobsRun      jobs::api::run, "Run a job now" &[] => jobs::api::RUN;
    Get  "/api/v1/jobs/{id}/runs"  scope JobsRead     jobs::api::runs, "List the runs of a job" jobs::api::PAGES => jobs::api::RUN;
    Get  "/api/v1/runs/{id}"       own   AccountRead  jobs::api::show, "Show a run" &[] => jobs::api::RUN;
    Get  "/api/v1/runs/{id}/lines" own   AccountRead  jobs::api::lines, "List what a run did" jobs::api::LINE_FILTERS => jobs::api::LINE;
    Get  "/api/v1/runs/{id}/results" own AccountRead  jobs::results::download, "Get what a run did to each thing, as CSV" jobs::results::FILTERS => &[];
    Post "/api/v1/runs/{id}/cancel" own  AccountRead  jobs::api::cancel, "Stop a run" &[] => jobs::api::RUN;
    Get   "/customers/tree"         scope CustomersRead customers::tree::pages::index;
    Get   "/api/v1/customers/tree"  scope CustomersRead customers::tree::api::index, "List what stands directly below a customer" customers::tree::FILTERS => customers::tree::api::OUT;
    Get   "/customers/{id}/settings"               scope CustomersUpdate customers::settings::pages::index;
    Post  "/customers/{id}/settings"               scope CustomersUpdate customers::settings::pages::update;
    Post  "/customers/{id}/settings/{key}/inherit" scope CustomersUpdate customers::settings::pages::inherit;
    Get   "/api/v1/customers/{id}/settings"        scope CustomersUpdate customers::settings::api::index, "List a customer's inherited settings" &[] => customers::settings::api::OUT;
    Patch "/api/v1/customers/{id}/settings"        scope CustomersUpdate customers::settings::api::update, "Change a customer's inherited settings" customers::settings::CHANGE => customers::settings::api::OUT;
    Get   "/customers/{id}/properties"              scope PropertiesDefine customers::properties::pages::index;
    Get   "/customers/{id}/properties/new"          scope PropertiesDefine customers::properties::pages::new;
    Post  "/customers/{id}/properties"              scope PropertiesDefine customers::properties::pages::create;
    Get   "/customers/{id}/properties/{key}/edit"   scope PropertiesDefine customers::properties::pages::edit;
    Post  "/customers/{id}/properties/{key}/edit"   scope PropertiesDefine customers::properties::pages::update;
    Get   "/customers/{id}/properties/{key}/delete" scope PropertiesDefine customers::properties::pages::ask_delete;
    Post  "/customers/{id}/properties/{key}/delete" scope PropertiesDefine customers::properties::pages::delete;
    Post  "/customers/{id}/properties/{key}/erase"  scope PropertiesDefine customers::properties::pages::erase;
    Get   "/api/v1/customers/{id}/properties"       scope PropertiesDefine customers::properties::api::index, "List the properties that hold at a customer" &[] => customers::properties::api::OUT;
    Post  "/api/v1/customers/{id}/properties"       scope PropertiesDefine customers::properties::api::create, "Define a property of customers or users" customers::properties::define::NEW => customers::properties::api::OUT;
    Patch "/api/v1/customers/{id}/properties/{key}" scope PropertiesDefine customers::properties::api::update, "Change or archive a property" customers::properties::define::EDIT => customers::properties::api::OUT;
    Delete "/api/v1/customers/{id}/properties/{key}" scope PropertiesDefine customers::properties::api::destroy, "Delete a property that has no values" &[] => &[];
    Post  "/api/v1/customers/{id}/properties/{key}/erase" scope PropertiesDefine customers::properties::api::erase, "Erase all values of a property" customers::properties::define::ERASE => &[];
    Get   "/customers/{id}/departments"                scope CustomersUpdate customers::lists::pages::index::<customers::lists::Departments>;
    Post  "/customers/{id}/departments"                scope CustomersUpdate customers::lists::pages::create::<customers::lists::Departments>;
    Get   "/customers/{id}/departments/{entry}/edit"   scope CustomersUpdate customers::lists::pages::edit::<customers::lists::Departments>;
    Post  "/customers/{id}/departments/{entry}/edit"   scope CustomersUpdate customers::lists::pages::update::<customers::lists::Departments>;
    Get   "/customers/{id}/departments/{entry}/delete" scope CustomersUpdate customers::lists::pages::ask_delete::<customers::lists::Departments>;
    Post  "/customers/{id}/departments/{entry}/delete" scope CustomersUpdate customers::lists::pages::delete::<customers::lists::Departments>;
    Get   "/api/v1/customers/{id}/departments"         scope CustomersRead   customers::lists::api::index::<customers::lists::Departments>, "List a customer's departments" &[] => customers::lists::api::DEPARTMENT;
    Post  "/api/v1/customers/{id}/departments"         scope CustomersUpdate customers::lists::api::create::<customers::lists::Departments>, "Add a department" customers::lists::DEPARTMENT => customers::lists::api::DEPARTMENT;
    Patch "/api/v1/customers/{id}/departments/{entry}" scope CustomersUpdate customers::lists::api::update::<customers::lists::Departments>, "Change a department" customers::lists::DEPARTMENT => customers::lists::api::DEPARTMENT;
    Delete "/api/v1/customers/{id}/departments/{entry}" scope CustomersUpdate customers::lists::api::destroy::<customers::lists::Departments>, "Delete a department" customers::lists::DELETE => &[];
    Get   "/customers/{id}/locations"                scope CustomersUpdate customers::lists::pages::index::<customers::lists::Locations>;
    Post  "/customers/{id}/locations"                scope CustomersUpdate customers::lists::pages::create::<customers::lists::Locations>;
    Get   "/customers/{id}/locations/{entry}/edit"   scope CustomersUpdate customers::lists::pages::edit::<customers::lists::Locations>;
    Post  "/customers/{id}/locations/{entry}/edit"   scope CustomersUpdate customers::lists::pages::update::<customers::lists::Locations>;
    Get   "/customers/{id}/locations/{entry}/delete" scope CustomersUpdate customers::lists::pages::ask_delete::<customers::lists::Locations>;
    Post  "/customers/{id}/locations/{entry}/delete" scope CustomersUpdate customers::lists::pages::delete::<customers::lists::Locations>;
    Get   "/api/v1/customers/{id}/locations"         scope CustomersRead   customers::lists::api::index::<customers::lists::Locations>, "List a customer's locations" &[] => customers::lists::api::LOCATION;
    Post  "/api/v1/customers/{id}/locations"         scope CustomersUpdate customers::lists::api::create::<customers::lists::Locations>, "Add a location" customers::lists::LOCATION => customers::lists::api::LOCATION;
    Patch "/api/v1/customers/{id}/locations/{entry}" scope CustomersUpdate customers::lists::api::update::<customers::lists::Locations>, "Change a location" customers::lists::LOCATION => customers::lists::api::LOCATION;
    Delete "/api/v1/customers/{id}/locations/{entry}" scope CustomersUpdate customers::lists::api::destroy::<customers::lists::Locations>, "Delete a location" customers::lists::DELETE => &[];
    Get   "/customers/{id}/contacts"                  scope CustomersUpdate customers::contacts::pages::index;
    Post  "/customers/{id}/contacts"                  scope CustomersUpdate customers::contacts::pages::create;
    Get   "/customers/{id}/contacts/{contact}/edit"   scope CustomersUpdate customers::contacts::pages::edit;
    Post  "/customers/{id}/contacts/{contact}/edit"   scope CustomersUpdate customers::contacts::pages::update;
    Get   "/customers/{id}/contacts/{contact}/delete" scope CustomersUpdate customers::contacts::pages::ask_delete;
    Post  "/customers/{id}/contacts/{contact}/delete" scope CustomersUpdate customers::contacts::pages::delete;
    Get   "/api/v1/customers/{id}/contacts"           scope CustomersRead   customers::contacts::api::index, "List a customer's contacts" &[] => customers::contacts::api::OUT;
    Post  "/api/v1/customers/{id}/contacts"           scope CustomersUpdate customers::contacts::api::create, "Add a contact" customers::contacts::FIELDS => customers::contacts::api::OUT;
    Patch "/api/v1/customers/{id}/contacts/{contact}" scope CustomersUpdate customers::contacts::api::update, "Change a contact" customers::contacts::FIELDS => customers::contacts::api::OUT;
    Delete "/api/v1/customers/{id}/contacts/{contact}" scope CustomersUpdate customers::contacts::api::destroy, "Remove a contact" &[] => &[];
    Get   "/customers/{id}/patterns"        scope CustomersUpdate customers::patterns::pages::index;
    Post  "/customers/{id}/patterns"        scope CustomersUpdate customers::patterns::pages::update;
    Get   "/api/v1/customers/{id}/patterns" scope CustomersUpdate customers::patterns::api::index, "List a customer's naming patterns" &[] => customers::patterns::api::OUT;
    Patch "/api/v1/customers/{id}/patterns" scope CustomersUpdate customers::patterns::api::update, "Change a customer's naming patterns" customers::patterns::FIELDS => customers::patterns::api::OUT;
    Get   "/switch"                     scope CustomersRead pins::pages::index;
    Get   "/switch/live"                scope CustomersRead pins::pages::live;
    Post  "/customers/{id}/pin"         scope CustomersRead pins::pages::create;
    Post  "/customers/{id}/pin/remove"  scope CustomersRead pins::pages::destroy;
    Get    "/api/v1/pins"               scope CustomersRead pins::api::index, "Show the customers one has pinned" &[] => pins::api::OUT;
    Put    "/api/v1/customers/{id}/pin" scope CustomersRead pins::api::create, "Pin a customer for oneself" &[] => &[];
    Delete "/api/v1/customers/{id}/pin" scope CustomersRead pins::api::destroy, "Unpin a customer" &[] => &[];
    Get   "/customers/views"               scope CustomersRead customers::pages::list::all_views;
    Post  "/customers/views"               scope CustomersRead customers::pages::list::save_view;
    Post  "/customers/views/{view}/delete" scope CustomersRead customers::pages::list::delete_view;
    Get    "/api/v1/customers/views"        scope CustomersRead customers::api::views, "Show the saved views of the list of customers" &[] => views::told::OUT;
    Post   "/api/v1/customers/views"        scope CustomersRead customers::api::save_view, "Save a view of the list of customers" views::SAVE => views::told::OUT;
    Delete "/api/v1/customers/views/{view}" scope CustomersRead customers::api::delete_view, "Delete a saved view" &[] => &[];
    Get   "/customers/export"        scope CustomersRead customers::export::download;
    Get   "/api/v1/customers/export" scope CustomersRead customers::export::download, "Export the list of customers as CSV" customers::FILTERS => &[];
    Get   "/customers"               scope CustomersRead    customers::pages::list::index;
    Get   "/customers/new"           scope CustomersCreate  customers::pages::form::new;
    Get   "/customers/new/code"      scope CustomersCreate  customers::pages::form::code;
    Post  "/customers"               scope CustomersCreate  customers::pages::form::create;
    Get   "/customers/{id}"          scope CustomersRead    customers::pages::show::show;
    Get   "/customers/{id}/edit"     scope CustomersUpdate  customers::pages::form::edit;
    Post  "/customers/{id}/edit"     scope CustomersUpdate  customers::pages::form::update;
    Get   "/customers/{id}/domains"  scope CustomersRead    customers::domains::pages::index;
    Post  "/customers/{id}/domains"  scope CustomersDomains customers::domains::pages::create;
    Get   "/customers/{id}/domains/{domain}"        scope CustomersDomains customers::domains::pages::show;
    Post  "/customers/{id}/domains/{domain}"        scope CustomersDomains customers::domains::pages::update;
    Post  "/customers/{id}/domains/{domain}/share"  scope CustomersDomains customers::domains::pages::share;
    Get   "/settings/restricted-domains"             scope SettingsRead  customers::domains::restricted::pages::index;
    Post  "/settings/restricted-domains"             scope SettingsWrite customers::domains::restricted::pages::create;
    Post  "/settings/restricted-domains/{id}/remove" scope SettingsWrite customers::domains::restricted::pages::remove;
    Get    "/api/v1/restricted-domains"              scope SettingsRead  customers::domains::restricted::api::index, "List restricted domains" &[] => customers::domains::restricted::api::OUT;
    Post   "/api/v1/restricted-domains"              scope SettingsWrite customers::domains::restricted::api::create, "Restrict a domain" customers::domains::restricted::NEW => customers::domains::restricted::api::OUT;
    Delete "/api/v1/restricted-domains/{id}"         scope SettingsWrite customers::domains::restricted::api::destroy, "Allow a domain again" &[] => &[];
    Post   "/api/v1/customers/{id}/domains/{domain}/verify" scope CustomersDomains customers::api::verify_domain, "Confirm a domain by its DNS, or by hand" customers::domains::verify::VERIFY => customers::api::DOMAIN;
    Post   "/api/v1/customers/{id}/domains/{domain}/share"  scope CustomersDomains customers::api::share_domain, "Let a customer below use a domain" customers::domains::SHARE => customers::api::DOMAIN;
    Post  "/customers/{id}/domains/{domain}/main"   scope CustomersDomains customers::domains::pages::make_main;
    Post  "/customers/{id}/domains/{domain}/verify" scope CustomersDomains customers::domains::pages::verify;
    Get   "/customers/{id}/domains/{domain}/remove" scope CustomersDomains customers::domains::pages::ask_remove;
    Post  "/customers/{id}/domains/{domain}/remove" scope CustomersDomains customers::domains::pages::remove;
    Get   "/customers/{id}/disable"  scope CustomersDisable customers::pages::life::ask_disable;
    Post  "/customers/{id}/disable"  scope CustomersDisable customers::pages::life::disable;
    Get   "/customers/{id}/enable"   scope CustomersDisable customers::pages::life::ask_enable;
    Post  "/customers/{id}/enable"   scope CustomersDisable customers::pages::life::enable;
    Get   "/customers/{id}/deprovision" scope CustomersDeprovision customers::pages::life::ask_deprovision;
    Post  "/customers/{id}/deprovision" scope CustomersDeprovision customers::pages::life::deprovision;
    Get   "/customers/{id}/reprovision" scope CustomersDeprovision customers::pages::life::ask_reprovision;
    Post  "/customers/{id}/reprovision" scope CustomersDeprovision customers::pages::life::reprovision;
    Post  "/customers/{id}/provision" scope CustomersUpdate  customers::pages::life::provision;
    Get   "/customers/{id}/delete"   scope CustomersDelete  customers::pages::life::ask_delete;
    Post  "/customers/{id}/delete"   scope CustomersDelete  customers::pages::life::delete;
    Get   "/customers/{id}/restore"  scope CustomersDelete  customers::pages::life::ask_restore;
    Post  "/customers/{id}/restore"  scope CustomersDelete  customers::pages::life::restore;
    Get   "/customers/{id}/purge"    scope CustomersDelete  customers::pages::life::ask_purge;
    Post  "/customers/{id}/purge"    scope CustomersDelete  customers::pages::life::purge;
    Get   "/customers/{id}/move"     scope CustomersMove    customers::pages::transfer::ask;
    Post  "/customers/{id}/move"     scope CustomersMove    customers::pages::transfer::create;
    Get   "/customers/{id}/export"   scope CustomersExport  kits::pages::new;
    Post  "/customers/{id}/export"   scope CustomersExport  kits::pages::create;
    Get   "/exit-kits/{kit}"         scope CustomersExport  kits::api::show;

    Get    "/api/v1/customers"              scope CustomersRead          customers::api::index, "List customers" customers::FILTERS => customers::api::ITEM;
    Post   "/api/v1/customers"              scope CustomersCreate        customers::api::create, "Add a customer" customers::fields::NEW => customers::api::OUT;
    Get    "/api/v1/customers/{id}"         scope CustomersRead          customers::api::show, "Show a customer" &[] => customers::api::OUT;
    Patch  "/api/v1/customers/{id}"         scope CustomersUpdate        customers::api::update, "Change a customer" customers::fields::EDIT => customers::api::OUT;
    Patch  "/api/v1/customers/{id}/billing" scope CustomersBillingUpdate customers::api::update_billing, "Change what a customer's bill needs" customers::fields::BILLING => customers::api::OUT;
    Patch  "/api/v1/customers/{id}/limits"  scope CustomersLimits        customers::api::update_limits, "Change a customer's type and limits" customers::fields::LIMITS => customers::api::OUT;
    Post   "/api/v1/customers/{id}/disable" scope CustomersDisable       customers::api::disable, "Disable a customer" customers::life::DISABLE => customers::api::OUT;
    Post   "/api/v1/customers/{id}/enable"  scope CustomersDisable       customers::api::enable, "Enable a customer" &[] => customers::api::OUT;
    Post   "/api/v1/customers/{id}/deprovision" scope CustomersDeprovision customers::api::deprovision, "End a customer outside and on the bill" customers::life::DEPROVISION => customers::api::OUT;
    Post   "/api/v1/customers/{id}/reprovision" scope CustomersDeprovision customers::api::reprovision, "Provision a customer again" &[] => customers::api::OUT;
    Post   "/api/v1/customers/{id}/provision" scope CustomersUpdate      customers::api::provision, "Bring a customer to the outside once more" &[] => customers::api::ACCEPTED;
    Delete "/api/v1/customers/{id}"         scope CustomersDelete        customers::api::destroy, "Delete a customer" customers::life::DELETE => customers::api::OUT;
    Post   "/api/v1/customers/{id}/restore" scope CustomersDelete        customers::api::restore, "Restore a deleted customer" &[] => customers::api::OUT;
    Post   "/api/v1/customers/{id}/purge"   scope CustomersDelete        customers::api::purge, "Erase a deleted customer" customers::life::PURGE => &[];
    Post   "/api/v1/customers/{id}/move"    scope CustomersMove          customers::api::transfer, "Move a customer to another reseller" customers::transfer::MOVE => customers::api::OUT;
    Post   "/api/v1/customers/{id}/export"  scope CustomersExport        kits::api::create, "Make a file of all of a customer's data" &[] => kits::api::ORDERED;
    Get    "/api/v1/customers/{id}/exit-kits" scope CustomersExport      kits::api::index, "List the files made of a customer's data" &[] => kits::api::OUT;
    Get    "/api/v1/exit-kits/{kit}"        scope CustomersExport        kits::api::show, "Download such a file" &[] => &[];
    Put    "/api/v1/customers/by-external-id/{external_id}" scope CustomersUpdate customers::api::put, "Create or change a customer by its id elsewhere" customers::fields::NEW => customers::api::OUT;
    Get    "/api/v1/customers/{id}/domains" scope CustomersRead          customers::api::domains, "List a customer's domains" &[] => customers::api::DOMAIN;
    Post   "/api/v1/customers/{id}/domains" scope CustomersDomains       customers::api::add_domain, "Add a domain" customers::domains::NEW => customers::api::DOMAIN;
    Patch  "/api/v1/customers/{id}/domains/{domain}" scope CustomersDomains customers::api::update_domain, "Change a domain" customers::domains::EDIT => customers::api::DOMAIN;
    Delete "/api/v1/customers/{id}/domains/{domain}" scope CustomersDomains customers::api::remove_domain, "Remove a domain" &[] => &[];

    Get  "/billing"                   scope BillingRead   billing::pages::index;
    Get  "/billing/{end}"             scope BillingRead   billing::pages::period::show;
    Get  "/billing/{end}/items"       scope BillingRead   billing::pages::items;
    Get  "/billing/{end}/items.csv"   scope BillingRead   billing::api::download;
    Get  "/billing/{end}/lock"        scope BillingRun    billing::pages::ask_lock;
    Post "/billing/{end}/lock"        scope BillingRun    billing::pages::lock;
    Post "/billing/{end}/recalculate" scope BillingRun    billing::pages::recalculate;
    Post "/billing/{end}/invoices"    scope InvoicesWrite invoices::pages::draw_up;
    Get  "/invoices"                  scope InvoicesRead  invoices::pages::index;
    Get  "/invoices/{id}"             scope InvoicesRead  invoices::pages::show;
    Post "/invoices/{id}/finalise"    scope InvoicesWrite invoices::pages::finalise;
    Post "/invoices/{id}/send"        scope InvoicesWrite invoices::pages::send;
    Post "/invoices/{id}/revoke-link" scope InvoicesWrite invoices::pages::revoke_link;
    Post "/invoices/{id}/discard"     scope InvoicesWrite invoices::pages::discard;
    Get  "/invoices/{id}/void"        scope InvoicesWrite invoices::pages::ask_void;
    Post "/invoices/{id}/void"        scope InvoicesWrite invoices::pages::void;
    Get  "/customers/{id}/billing"    scope BillingRead   invoices::pages::customer;
    Get  "/customers/{id}/issuer"     scope BillingRead  invoices::pages::edit_issuer;
    Post "/customers/{id}/issuer"     scope BillingRead  invoices::pages::update_issuer;

    Get  "/api/v1/billing/periods"                            scope BillingRead billing::api::index, "List billing periods" &[] => billing::api::PERIOD;
    Get  "/api/v1/billing/periods/{end}"                      scope BillingRead billing::api::show, "Show a period; current is the one that runs" &[] => billing::api::PERIOD;
    Get  "/api/v1/billing/periods/{end}/summary"              scope BillingRead billing::api::summary, "List the lines of a period's bills" billing::api::SUMMARY => billing::api::LINE;
    Get  "/api/v1/billing/periods/{end}/summary/{line}/story" scope BillingRead billing::api::tell, "Tell why a line is there" &[] => billing::api::STORY;
    Get  "/api/v1/billing/periods/{end}/items"                scope BillingRead billing::api::items, "List bill items" billing::api::ITEMS => billing::api::ITEM;
    Post "/api/v1/billing/periods/{end}/recalculate"          scope BillingRun  billing::api::recalculate, "Compute a period anew" &[] => billing::api::DONE;
    Post "/api/v1/billing/periods/{end}/lock"                 scope BillingRun  billing::api::lock, "Fix a period for good" &[] => billing::api::PERIOD;
    Get  "/api/v1/billing/ledger"                             scope BillingRead billing::api::ledger, "List the ledger" billing::api::LEDGER => billing::api::ROW;

    Get    "/customers/{id}/services"                 scope ServicesRead          assignments::pages::of_customer;
    Get    "/customers/{id}/services/new"             service_rights CustomerServicesWrite assignments::pages::new_customer;
    Post   "/customers/{id}/services"                 service_rights CustomerServicesWrite assignments::pages::give_customer;
    Get   "/customers/{id}/services/import"       service_rights UserServicesWrite many::import::services::pages::new;
    Post  "/customers/{id}/services/import"       service_rights UserServicesWrite many::import::services::pages::upload;
    Get   "/customers/{id}/services/import/template" service_rights UserServicesWrite many::import::services::pages::template;
    Get   "/customers/{id}/services/import/{upload}" service_rights UserServicesWrite many::import::services::pages::look;
    Post  "/customers/{id}/services/import/{upload}" service_rights UserServicesWrite many::import::services::pages::start;
    Get    "/customers/{id}/services/{aid}/edit"      service_rights CustomerServicesWrite assignments::pages::edit_customer;
    Post   "/customers/{id}/services/{aid}"           service_rights CustomerServicesWrite assignments::pages::change_customer;
    Post   "/customers/{id}/services/{aid}/provision" service_rights CustomerServicesWrite assignments::pages::provision_customer;
    Post   "/customers/{id}/services/{aid}/suspend"   service_rights CustomerServicesWrite assignments::pages::suspend_customer;
    Post   "/customers/{id}/services/{aid}/resume"    service_rights CustomerServicesWrite assignments::pages::resume_customer;
    Post   "/customers/{id}/services/{aid}/remove"    service_rights CustomerServicesWrite assignments::pages::remove_customer;
    Get    "/customers/{id}/users/services"           service_rights UserServicesWrite     assignments::pages::many;
    Post   "/customers/{id}/users/services"           service_rights UserServicesWrite     assignments::pages::plan_many;
    Get    "/users/{id}/services"                     scope ServicesRead          assignments::pages::of_user;
    Get    "/users/{id}/services/new"                 service_rights UserServicesWrite     assignments::pages::new_user;
    Post   "/users/{id}/services"                     service_rights UserServicesWrite     assignments::pages::give_user;
    Get    "/users/{id}/services/{aid}/edit"          service_rights UserServicesWrite     assignments::pages::edit_user;
    Post   "/users/{id}/services/{aid}"               service_rights UserServicesWrite     assignments::pages::change_user;
    Post   "/users/{id}/services/{aid}/provision"     service_rights UserServicesWrite     assignments::pages::provision_user;
    Post   "/users/{id}/services/{aid}/suspend"       service_rights UserServicesWrite     assignments::pages::suspend_user;
    Post   "/users/{id}/services/{aid}/resume"        service_rights UserServicesWrite     assignments::pages::resume_user;
    Post   "/users/{id}/services/{aid}/remove"        service_rights UserServicesWrite     assignments::pages::remove_user;
    Get    "/approvals"                           own   AccountRead     approvals::pages::index;
    Get    "/approvals/deputies"                  own   AccountRead     approvals::pages::deputies_page;
    Get    "/approvals/chains"                    scope ApprovalsWrite  approvals::chains::pages::index;
    Get    "/approvals/{id}"                      own   AccountRead     approvals::pages::show;
    Post   "/approvals/{id}/approve"              scope ApprovalsDecide approvals::pages::approve;
    Post   "/approvals/{id}/reject"               scope ApprovalsDecide approvals::pages::reject;
    Post   "/approvals/{id}/withdraw"             own   AccountRead     approvals::pages::withdraw;
    Post   "/approvals/deputies"                  scope ApprovalsDecide approvals::pages::name_deputy;
    Post   "/approvals/deputies/{id}/delete"      own   AccountRead     approvals::pages::drop_deputy;
    Get    "/approvals/chains/{id}"               scope ApprovalsWrite  approvals::chains::pages::edit;
    Post   "/approvals/chains/{id}"               scope ApprovalsWrite  approvals::chains::pages::update;
    Post   "/approvals/chains/{id}/delete"        scope ApprovalsWrite  approvals::chains::pages::destroy;
    Get    "/customers/{id}/approvals"            scope ApprovalsWrite  approvals::chains::pages::of_one;
    Post   "/customers/{id}/approvals"            scope ApprovalsWrite  approvals::chains::pages::switch;
    Get    "/customers/{id}/approvals/new"        scope ApprovalsWrite  approvals::chains::pages::new;
    Post   "/customers/{id}/approvals/new"        scope ApprovalsWrite  approvals::chains::pages::create_one;
    Get    "/api/v1/approvals"                    own   AccountRead     approvals::api::index, "List approvals" approvals::api::FILTERS => approvals::api::ROW;
    Get    "/api/v1/approvals/deputies"           own   AccountRead     approvals::api::deputies_of_mine, "List one’s deputies" approvals::api::NOTHING => approvals::api::DEPUTY;
    Get    "/api/v1/approvals/chains"             scope ApprovalsWrite  approvals::chains::api::index, "List chains" approvals::api::NOTHING => approvals::chains::api::OUT;
    Get    "/api/v1/approvals/{id}"               own   AccountRead     approvals::api::show, "Show an approval with its plan" approvals::api::NOTHING => approvals::api::OUT;
    Post   "/api/v1/approvals/{id}/approve"       scope ApprovalsDecide approvals::api::approve, "Approve an order" approvals::COMMENT => approvals::api::OUT;
    Post   "/api/v1/approvals/{id}/reject"        scope ApprovalsDecide approvals::api::reject, "Reject an order" approvals::COMMENT => approvals::api::OUT;
    Post   "/api/v1/approvals/{id}/withdraw"      own   AccountRead     approvals::api::withdraw, "Take back one’s own order" approvals::api::NOTHING => approvals::api::OUT;
    Post   "/api/v1/approvals/deputies"           scope ApprovalsDecide approvals::api::name_deputy, "Name a deputy" approvals::deputies::FIELDS => approvals::api::DEPUTY;
    Delete "/api/v1/approvals/deputies/{id}"      own   AccountRead     approvals::api::drop_deputy, "Take back a deputy" approvals::api::NOTHING => approvals::api::NOTHING;
    Post   "/api/v1/approvals/chains"             scope ApprovalsWrite  approvals::chains::api::create_one, "Add a chain" approvals::chains::FIELDS => approvals::chains::api::OUT;
    Get    "/api/v1/approvals/chains/{id}"        scope ApprovalsWrite  approvals::chains::api::show, "Show a chain" approvals::api::NOTHING => approvals::chains::api::OUT;
    Patch  "/api/v1/approvals/chains/{id}"        scope ApprovalsWrite  approvals::chains::api::update, "Change a chain" approvals::chains::FIELDS => approvals::chains::api::OUT;
    Delete "/api/v1/approvals/chains/{id}"        scope ApprovalsWrite  approvals::chains::api::destroy, "Delete a chain" approvals::api::NOTHING => approvals::api::NOTHING;
    Post   "/api/v1/customers/{id}/approvals"     scope ApprovalsWrite  approvals::chains::api::switch, "Switch approvals on or off at a customer" approvals::chains::SWITCH => approvals::chains::api::SWITCHED;
    Post   "/requests/{id}/replan"                    scope RequestsRetry         assignments::pages::replan;
    Post   "/api/v1/requests/{id}/replan"             scope RequestsRetry         assignments::api::replan, "Plan again what failed or was cancelled" &[] => assignments::api::PLAN;
    Get    "/previews/{id}"                           own   AccountRead           assignments::pages::show;
    Post   "/previews/{id}/apply"                     own   AccountRead           assignments::pages::apply;
    Post   "/previews/{id}/discard"                   own   AccountRead           assignments::pages::discard;
    Get    "/customers/{id}/services/not-listed"      scope ServicesRead          assignments::pages::not_listed_at_customer;
    Get    "/users/{id}/services/not-listed"          scope ServicesRead          assignments::pages::not_listed_at_user;
    Get    "/customers/{id}/services/{aid}/forget"    scope ServicesForget        assignments::forget::pages::ask_customer;
    Post   "/customers/{id}/services/{aid}/forget"    scope ServicesForget        assignments::forget::pages::customer;
    Get    "/users/{id}/services/{aid}/forget"        scope ServicesForget        assignments::forget::pages::ask_user;
    Post   "/users/{id}/services/{aid}/forget"        scope ServicesForget        assignments::forget::pages::user;
    Post   "/api/v1/customers/{id}/services/{aid}/forget" scope ServicesForget    assignments::forget::api::customer, "Forget a customer’s service" assignments::forget::FORGET => &[];
    Post   "/api/v1/users/{id}/services/{aid}/forget" scope ServicesForget        assignments::forget::api::user, "Forget a user’s service" assignments::forget::FORGET => &[];
    Get    "/customers/{id}/services/{aid}/properties/{name}/explain" scope ServicesRead assignments::explain::pages::of_customer;
    Get    "/users/{id}/services/{aid}/properties/{name}/explain"     scope ServicesRead assignments::explain::pages::of_user;
    Get    "/api/v1/customers/{id}/services/{aid}/properties/{name}/explain" scope ServicesRead assignments::explain::api::of_customer, "Say where a customer’s service has a value from" &[] => catalogue::properties::api::EXPLAINED;
    Get    "/api/v1/users/{id}/services/{aid}/properties/{name}/explain" scope ServicesRead assignments::explain::api::of_user, "Say where a user’s service has a value from" &[] => catalogue::properties::api::EXPLAINED;
    Get    "/api/v1/customers/{id}/services"               scope ServicesRead          assignments::api::of_customer, "List a customer’s services" jobs::api::PAGES => assignments::api::HELD;
    Post   "/api/v1/customers/{id}/services"               service_rights CustomerServicesWrite assignments::api::give_customer, "Give a service to a customer" assignments::GIVE => assignments::api::ACCEPTED;
    Get    "/api/v1/customers/{id}/services/{aid}"         scope ServicesRead          assignments::api::show_of_customer, "Show a customer’s service" &[] => assignments::api::HELD;
    Patch  "/api/v1/customers/{id}/services/{aid}"         service_rights CustomerServicesWrite assignments::api::change_customer, "Change a customer’s service" assignments::CHANGE => assignments::api::ACCEPTED;
    Delete "/api/v1/customers/{id}/services/{aid}"         service_rights CustomerServicesWrite assignments::api::remove_customer, "Remove a customer’s service" assignments::REMOVE => assignments::api::ACCEPTED;
    Post   "/api/v1/customers/{id}/services/{aid}/provision" service_rights CustomerServicesWrite assignments::api::provision_customer, "Provision a customer’s service again" &[] => assignments::api::ACCEPTED;
    Post   "/api/v1/customers/{id}/services/{aid}/suspend" service_rights CustomerServicesWrite assignments::api::suspend_customer, "Suspend a customer’s service" &[] => assignments::api::ACCEPTED;
    Post   "/api/v1/customers/{id}/services/{aid}/resume"  service_rights CustomerServicesWrite assignments::api::resume_customer, "Resume a customer’s service" &[] => assignments::api::ACCEPTED;
    Post   "/api/v1/customers/{id}/users/services"         service_rights UserServicesWrite     assignments::api::give_many, "Give a service to many users" assignments::bulk::GIVE_MANY => assignments::api::ACCEPTED;
    Get    "/api/v1/users/{id}/services"                   scope ServicesRead          assignments::api::of_user, "List a user’s services" jobs::api::PAGES => assignments::api::HELD;
    Post   "/api/v1/users/{id}/services"                   service_rights UserServicesWrite     assignments::api::give_user, "Give a service to a user" assignments::GIVE_USER => assignments::api::ACCEPTED;
    Get    "/api/v1/users/{id}/services/{aid}"             scope ServicesRead          assignments::api::show_of_user, "Show a user’s service" &[] => assignments::api::HELD;
    Patch  "/api/v1/users/{id}/services/{aid}"             service_rights UserServicesWrite     assignments::api::change_user, "Change a user’s service" assignments::CHANGE => assignments::api::ACCEPTED;
    Delete "/api/v1/users/{id}/services/{aid}"             service_rights UserServicesWrite     assignments::api::remove_user, "Remove a user’s service" assignments::REMOVE_FROM_USER => assignments::api::ACCEPTED;
    Post   "/api/v1/users/{id}/services/{aid}/provision"   service_rights UserServicesWrite     assignments::api::provision_user, "Provision a user’s service again" &[] => assignments::api::ACCEPTED;
    Post   "/api/v1/users/{id}/services/{aid}/suspend"     service_rights UserServicesWrite     assignments::api::suspend_user, "Suspend a user’s service" &[] => assignments::api::ACCEPTED;
    Post   "/api/v1/users/{id}/services/{aid}/resume"      service_rights UserServicesWrite     assignments::api::resume_user, "Resume a user’s service" &[] => assignments::api::ACCEPTED;
    Get    "/api/v1/previews/{id}"                         own   AccountRead           assignments::api::show_preview, "Show a plan" &[] => assignments::api::PLAN;
    Post   "/api/v1/previews/{id}/apply"                   own   AccountRead           assignments::api::apply_preview, "Apply a plan" assignments::REMOVE => assignments::api::ACCEPTED;
    Delete "/api/v1/previews/{id}"                         own   AccountRead           assignments::api::discard_preview, "Discard a plan" &[] => &[];
    Get    "/price-lists"                       scope PricesRead  prices::pages::index;
    Get    "/price-lists/new"                   scope PricesWrite prices::pages::new;
    Post   "/price-lists"                       scope PricesWrite prices::pages::create;
    Get    "/price-lists/{id}"                  scope PricesRead  prices::pages::show;
    Post   "/price-lists/{id}"                  scope PricesWrite prices::pages::update;
    Post   "/price-lists/{id}/prices"           scope PricesWrite prices::pages::add;
    Post   "/price-lists/{id}/prices/{price_id}/withdraw" scope PricesWrite prices::pages::withdraw;
    Get    "/customers/{id}/prices"             scope PricesRead  prices::pages::overrides;
    Post   "/customers/{id}/prices"             scope PricesWrite prices::pages::add_override;
    Post   "/customers/{id}/prices/{price_id}/withdraw" scope PricesWrite prices::pages::withdraw_override;
    Get    "/api/v1/price-lists"                scope PricesRead  prices::api::index, "List price lists" &[] => prices::api::LIST_OUT;
    Post   "/api/v1/price-lists"                scope PricesWrite prices::api::create, "Add a price list" prices::api::NEW => prices::api::LIST_OUT;
    Get    "/api/v1/price-lists/{id}"           scope PricesRead  prices::api::show, "Show a price list" &[] => prices::api::LIST_OUT;
    Patch  "/api/v1/price-lists/{id}"           scope PricesWrite prices::api::update, "Change a price list" prices::api::EDIT => prices::api::LIST_OUT;
    Get    "/api/v1/price-lists/{id}/prices"    scope PricesRead  prices::api::prices, "List the prices of a list" &[] => prices::api::PRICE_OUT;
    Post   "/api/v1/price-lists/{id}/prices"    scope PricesWrite prices::api::add, "Add a price" prices::api::NEW_PRICE => prices::api::PRICE_OUT;
    Delete "/api/v1/price-lists/{id}/prices/{price_id}" scope PricesWrite prices::api::withdraw, "Withdraw a price that is not in force yet" &[] => &[];
    Get    "/api/v1/customers/{id}/prices"      scope PricesRead  prices::api::overrides, "List a customer's own prices" &[] => prices::api::PRICE_OUT;
    Post   "/api/v1/customers/{id}/prices"      scope PricesWrite prices::api::add_override, "Add a price for one customer" prices::api::NEW_OVERRIDE => prices::api::ID_OUT;
    Delete "/api/v1/customers/{id}/prices/{price_id}" scope PricesWrite prices::api::withdraw_override, "Withdraw a customer's price that is not in force yet" &[] => &[];

    Get    "/services"                                    scope CatalogueRead  catalogue::pages::index;
    Get    "/services/new"                                scope CatalogueWrite catalogue::pages::new;
    Post   "/services"                                    scope CatalogueWrite catalogue::pages::create;
    Get    "/services/{code}"                             scope CatalogueRead  catalogue::pages::show;
    Get    "/services/{code}/edit"                        scope CatalogueWrite catalogue::pages::edit;
    Post   "/services/{code}"                             scope CatalogueWrite catalogue::pages::update;
    Post   "/services/{code}/activate"                    scope CatalogueWrite catalogue::pages::activate;
    Post   "/services/{code}/retire"                      scope CatalogueWrite catalogue::pages::retire;
    Get    "/services/{code}/delete"                      scope CatalogueWrite catalogue::pages::confirm_delete;
    Post   "/services/{code}/delete"                      scope CatalogueWrite catalogue::pages::destroy;
    Post   "/services/{code}/rules"                       scope RulesWrite     catalogue::pages::set_rules;
    Get    "/services/{code}/export"                      scope CatalogueRead  catalogue::documents::api::exported;
    Get    "/services/{code}/versions"                    scope CatalogueRead  catalogue::documents::pages::versions;
    Get    "/services/{code}/versions/{version}"          scope CatalogueRead  catalogue::documents::api::version;
    Get    "/apply"                                       scope CatalogueWrite catalogue::documents::pages::new;
    Post   "/apply"                                       scope CatalogueWrite catalogue::documents::pages::create;
    Get    "/modules"                                     scope CatalogueWrite catalogue::modules::pages::index;
    Get    "/modules/{code}"                              scope CatalogueWrite catalogue::modules::pages::show;
    Post   "/modules/{code}/install"                      scope CatalogueWrite catalogue::modules::pages::install;
    Get    "/modules/{code}/upgrade"                      scope CatalogueWrite catalogue::modules::pages::preview;
    Post   "/modules/{code}/upgrade"                      scope CatalogueWrite catalogue::modules::pages::upgrade;
    Get    "/api/v1/modules"                              scope CatalogueWrite catalogue::modules::api::index, "List the modules that come with the program" &[] => catalogue::modules::api::OUT;
    Get    "/api/v1/modules/{code}"                       scope CatalogueWrite catalogue::modules::api::show, "Show a module" &[] => catalogue::modules::api::OUT;
    Post   "/api/v1/modules/{code}/install"               scope CatalogueWrite catalogue::modules::api::install, "Install a module" catalogue::modules::INSTALL => catalogue::modules::api::INSTALLED;
    Post   "/api/v1/modules/{code}/upgrade"               scope CatalogueWrite catalogue::modules::api::upgrade, "Take the newer version of a module" &[] => catalogue::documents::api::APPLIED;
    Post   "/api/v1/apply"                                scope CatalogueWrite catalogue::documents::api::applied, "Bring a document of services in" catalogue::documents::api::APPLY => catalogue::documents::api::APPLIED;
    Get    "/api/v1/services/{code}/versions"             scope CatalogueRead  catalogue::documents::api::versions, "List the versions of a service" jobs::api::PAGES => catalogue::documents::api::VERSION;
    Get    "/api/v1/services/{code}/versions/{version}"   scope CatalogueRead  catalogue::documents::api::version, "Show a service as it was saved" &[] => catalogue::documents::api::EXPORT_OUT;
    Get    "/services/{code}/plans/new"                   scope CatalogueWrite catalogue::pages::new_plan;
    Post   "/services/{code}/plans"                       scope CatalogueWrite catalogue::pages::create_plan;
    Get    "/services/{code}/plans/{plan}"                scope CatalogueWrite catalogue::pages::edit_plan;
    Post   "/services/{code}/plans/{plan}"                scope CatalogueWrite catalogue::pages::update_plan;
    Post   "/services/{code}/plans/{plan}/retire"         scope CatalogueWrite catalogue::pages::retire_plan;
    Post   "/services/{code}/plans/{plan}/activate"       scope CatalogueWrite catalogue::pages::activate_plan;
    Post   "/services/{code}/plans/{plan}/delete"         scope CatalogueWrite catalogue::pages::destroy_plan;
    Get    "/services/{code}/properties/new"              scope CatalogueWrite catalogue::properties::pages::new;
    Post   "/services/{code}/properties"                  scope CatalogueWrite catalogue::properties::pages::create;
    Get    "/services/{code}/properties/{name}"           scope CatalogueWrite catalogue::properties::pages::edit;
    Post   "/services/{code}/properties/{name}"           scope CatalogueWrite catalogue::properties::pages::update;
    Post   "/services/{code}/properties/{name}/delete"    scope CatalogueWrite catalogue::properties::pages::destroy;
    Get    "/services/{code}/properties/{name}/overrides" scope CatalogueRead  catalogue::properties::pages::overrides;
    Get    "/api/v1/services/{code}/properties/{name}/overrides" scope CatalogueRead catalogue::properties::api::overrides, "Say who deviates in a property" jobs::api::PAGES => catalogue::properties::api::OVERRIDE;
    Get    "/api/v1/services"                             scope CatalogueRead  catalogue::api::index, "List services" catalogue::api::FILTERS => catalogue::api::OUT;
    Post   "/api/v1/services"                             scope CatalogueWrite catalogue::api::create, "Define a service" catalogue::services::NEW => catalogue::api::OUT;
    Get    "/api/v1/services/{code}"                      scope CatalogueRead  catalogue::api::show, "Show a service" &[] => catalogue::api::OUT;
    Patch  "/api/v1/services/{code}"                      scope CatalogueWrite catalogue::api::update, "Change a service" catalogue::services::NEW => catalogue::api::OUT;
    Delete "/api/v1/services/{code}"                      scope CatalogueWrite catalogue::api::destroy, "Delete a service that was never used" &[] => &[];
    Post   "/api/v1/services/{code}/activate"             scope CatalogueWrite catalogue::api::activate, "Put a service on sale" &[] => catalogue::api::OUT;
    Post   "/api/v1/services/{code}/retire"               scope CatalogueWrite catalogue::api::retire, "Take a service off sale" &[] => catalogue::api::OUT;
    Put    "/api/v1/services/{code}/rules"                scope RulesWrite     catalogue::api::set_rules, "Say what happens for a service" catalogue::services::RULES => catalogue::api::RULES_OUT;
    Get    "/api/v1/services/{code}/export"               scope CatalogueRead  catalogue::documents::api::exported, "Export a service" catalogue::documents::api::EXPORT => catalogue::documents::api::EXPORT_OUT;
    Patch  "/api/v1/services/{code}/values"               scope CatalogueWrite catalogue::api::set_values, "Set the values of a service’s definition" catalogue::defaults::VALUES => catalogue::api::OUT;
    Post   "/api/v1/services/{code}/plans"                scope CatalogueWrite catalogue::api::create_plan, "Add a plan" catalogue::plans::NEW => catalogue::api::OUT;
    Patch  "/api/v1/services/{code}/plans/{plan}"         scope CatalogueWrite catalogue::api::update_plan, "Change a plan" catalogue::plans::NEW => catalogue::api::OUT;
    Post   "/api/v1/services/{code}/plans/{plan}/retire"  scope CatalogueWrite catalogue::api::retire_plan, "Take a plan off sale" &[] => catalogue::api::OUT;
    Post   "/api/v1/services/{code}/plans/{plan}/activate" scope CatalogueWrite catalogue::api::activate_plan, "Put a plan on sale" &[] => catalogue::api::OUT;
    Delete "/api/v1/services/{code}/plans/{plan}"         scope CatalogueWrite catalogue::api::destroy_plan, "Delete a plan that was never used" &[] => &[];
    Post   "/api/v1/services/{code}/properties"           scope CatalogueWrite catalogue::properties::api::create, "Add a property" catalogue::properties::NEW => catalogue::api::OUT;
    Patch  "/api/v1/services/{code}/properties/{name}"    scope CatalogueWrite catalogue::properties::api::update, "Change a property" catalogue::properties::NEW => catalogue::api::OUT;
    Delete "/api/v1/services/{code}/properties/{name}"    scope CatalogueWrite catalogue::properties::api::destroy, "Delete a property" catalogue::properties::api::DROP => &[];

    Get    "/customers/{id}/offers"                       scope ServicesRead   offers::pages::index;
    Get    "/customers/{id}/offers/new"                   scope OffersWrite    offers::pages::new;
    Post   "/customers/{id}/offers"                       scope OffersWrite    offers::pages::create;
    Get    "/customers/{id}/offers/{code}"                scope OffersWrite    offers::pages::edit;
    Post   "/customers/{id}/offers/{code}"                scope OffersWrite    offers::pages::update;
    Get    "/customers/{id}/offers/{code}/values"         service_rights ServiceSettingsWrite offers::own::pages::edit;
    Post   "/customers/{id}/offers/{code}/values"         service_rights ServiceSettingsWrite offers::own::pages::update;
    Post   "/customers/{id}/offers/{code}/close"          scope OffersWrite    offers::pages::close;
    Post   "/customers/{id}/offers/{code}/reopen"         scope OffersWrite    offers::pages::reopen;
    Post   "/customers/{id}/offers/{code}/withdraw"       scope OffersWrite    offers::pages::withdraw;
    Get    "/customers/{id}/offers/{code}/properties/{name}/explain" scope ServicesRead offers::own::pages::explain;
    Get    "/api/v1/customers/{id}/offers/{code}/properties/{name}/explain" scope ServicesRead offers::own::api::explain, "Say where a reseller’s branch has a value from" &[] => catalogue::properties::api::EXPLAINED;
    Get    "/customers/{id}/offers/{code}/uses"           scope ServicesRead   offers::uses::show;
    Get    "/api/v1/customers/{id}/offers/{code}/uses"    scope ServicesRead   offers::uses::index, "List who uses an offered service" offers::uses::FORMAT => offers::uses::OUT;
    Post   "/services/{code}/enable-path"                 scope OffersWrite    offers::pages::enable_path;
    Post   "/api/v1/services/{code}/enable-path"          scope OffersWrite    offers::api::enable_path, "Offer a service at every level above a customer" offers::path::PATH => offers::api::PATH_OUT;
    Get    "/customers/{id}/services/{code}/why"          scope ServicesRead   offers::pages::why;
    Get    "/users/{id}/services/{code}/why"              scope ServicesRead   offers::pages::why_user;
    Get    "/api/v1/customers/{id}/offers"                scope ServicesRead   offers::api::index, "List what a reseller may sell" &[] => offers::api::OUT;
    Post   "/api/v1/customers/{id}/offers"                scope OffersWrite    offers::api::create, "Offer a service to a reseller" offers::api::NEW => offers::api::OUT;
    Patch  "/api/v1/customers/{id}/offers/{code}"         scope OffersWrite    offers::api::update, "Change an offer" offers::api::EDIT => offers::api::OUT;
    Post   "/api/v1/customers/{id}/offers/{code}/close"   scope OffersWrite    offers::api::close, "Close an offer" &[] => offers::api::OUT;
    Post   "/api/v1/customers/{id}/offers/{code}/reopen"  scope OffersWrite    offers::api::reopen, "Reopen an offer" &[] => offers::api::OUT;
    Patch  "/api/v1/customers/{id}/offers/{code}/values"  service_rights ServiceSettingsWrite offers::own::api::update, "Set a reseller’s own values of a service" offers::own::api::EDIT => offers::own::api::OUT;
    Delete "/api/v1/customers/{id}/offers/{code}"         scope OffersWrite    offers::api::destroy, "Withdraw an offer nobody uses" &[] => &[];
    Get    "/api/v1/customers/{id}/services/{code}/why"   scope ServicesRead   offers::api::why, "Say why a customer cannot have a service" offers::api::PLAN_FILTER => offers::api::WHY;
    Get    "/api/v1/users/{id}/services/{code}/why"       scope ServicesRead   offers::api::why_user, "Say why a user cannot have a service" offers::api::PLAN_FILTER => offers::api::WHY;
    Get    "/api/v1/customers/{id}/effective-prices"      scope PricesRead     offers::api::effective_prices, "Say what a customer pays for what it may get" offers::api::ON => offers::api::PRICE_OUT;
    Get   "/users/views"                    scope UsersRead    users::pages::list::all_views;
    Post  "/users/views"                    scope UsersRead    users::pages::list::save_view;
    Post  "/users/views/{view}/delete"      scope UsersRead    users::pages::list::delete_view;
    Get    "/api/v1/users/views"            scope UsersRead    users::api::views, "Show the saved views of the list of users" &[] => views::told::OUT;
    Post   "/api/v1/users/views"            scope UsersRead    users::api::save_view, "Save a view of the list of users" views::SAVE => views::told::OUT;
    Delete "/api/v1/users/views/{view}"     scope UsersRead    users::api::delete_view, "Delete a saved view" &[] => &[];
    Get   "/users/export"                   scope UsersExport  users::export::download_anywhere;
    Get   "/api/v1/users/export"            scope UsersExport  users::export::download_anywhere, "Export users of any customers as CSV or XLSX" users::finding::EXPORT => &[];
    Get   "/users"                          scope UsersRead    users::pages::list::index;
    Get   "/customers/{id}/users"           scope UsersRead    users::pages::list::index_of;
    Get   "/customers/{id}/users/new"       scope UsersCreate  arrivals::pages::new;
    Get   "/customers/{id}/users/preview"   scope UsersCreate  users::pages::form::preview;
    Get   "/customers/{id}/users/export"          scope UsersExport users::export::download;
    Get   "/api/v1/customers/{id}/users/export"   scope UsersExport users::export::download, "Export a customer's users as CSV or XLSX, which an import takes back" users::finding::EXPORT => &[];
    Get   "/customers/{id}/users/bulk"            scope UsersRead many::pages::new;
    Post  "/customers/{id}/users/bulk"            scope UsersRead many::pages::create;
    Post  "/api/v1/customers/{id}/users/bulk"     scope UsersRead many::api::create, "Do something to many users of a customer, or show what it would do" many::ORDER => many::api::STARTED;
    Get   "/users/bulk"                           scope UsersRead many::pages::new_anywhere;
    Post  "/users/bulk"                           scope UsersRead many::pages::create_anywhere;
    Post  "/api/v1/users/bulk"                    scope UsersRead many::api::create_anywhere, "Do something to many users of any customers, or show what it would do" many::ORDER => many::api::STARTED;
    Get   "/runs/{id}/retry"                      own AccountRead many::pages::ask_retry;
    Post  "/runs/{id}/retry"                      own AccountRead many::pages::retry;
    Get   "/runs/{id}/undo"                       own AccountRead many::pages::ask_undo;
    Post  "/runs/{id}/undo"                       own AccountRead many::pages::undo;
    Post  "/api/v1/runs/{id}/retry"               own AccountRead many::api::retry, "Try again what a run over many users could not do" many::api::AGAIN => many::api::STARTED;
    Post  "/api/v1/runs/{id}/undo"                own AccountRead many::api::undo, "Put back what a run over many users did" many::api::AGAIN => many::api::STARTED;
    Post  "/api/v1/customers/{id}/services/import" service_rights UserServicesWrite many::import::services::api::import, "Import services from a CSV or XLSX file, which is the body" many::import::services::api::IMPORT => many::import::services::api::REPORT;
    Get   "/customers/{id}/users/import"          scope UsersImport many::import::pages::new;
    Post  "/customers/{id}/users/import"          scope UsersImport many::import::pages::upload;
    Get   "/customers/{id}/users/import/template" scope UsersImport many::import::pages::template;
    Get   "/api/v1/customers/{id}/users/import/template" scope UsersImport many::import::pages::template, "Get a file with every heading and no row" many::import::api::TEMPLATE => &[];
    Get   "/customers/{id}/users/import/{upload}" scope UsersImport many::import::review::check;
    Post  "/customers/{id}/users/import/{upload}" scope UsersImport many::import::review::run;
    Post  "/customers/{id}/users/import/{upload}/reading" scope UsersImport many::import::review::reading;
    Get   "/customers/{id}/users/import/{upload}/rows/{line}" scope UsersImport many::import::review::fix;
    Get   "/customers/{id}/users/import/{upload}/refused" scope UsersImport many::import::review::refused;
    Post  "/api/v1/customers/{id}/users/import"   scope UsersImport many::import::api::import, "Import users from a CSV or XLSX file, which is the body" many::import::api::IMPORT => many::import::api::REPORT;
    Post  "/customers/{id}/users"           scope UsersCreate  arrivals::pages::create;
    Get   "/users/{id}/copy"                scope UsersCreate  arrivals::pages::ask_copy;
    Post  "/users/{id}/copy"                scope UsersCreate  arrivals::pages::copy;
    Get    "/customers/{id}/devices"                  scope UsersRead   devices::pages::index;
    Get    "/customers/{id}/devices/new"              scope UsersUpdate devices::pages::new;
    Post   "/customers/{id}/devices"                  scope UsersUpdate devices::pages::create;
    Get    "/customers/{id}/devices/{device}/edit"    scope UsersUpdate devices::pages::edit;
    Post   "/customers/{id}/devices/{device}/edit"    scope UsersUpdate devices::pages::update;
    Post   "/customers/{id}/devices/{device}/primary" scope UsersUpdate devices::pages::make_primary;
    Get    "/customers/{id}/devices/{device}/delete"  scope UsersUpdate devices::pages::ask_delete;
    Post   "/customers/{id}/devices/{device}/delete"  scope UsersUpdate devices::pages::destroy;
    Get    "/users/{id}/devices"                      scope UsersRead   devices::pages::index_of;
    Get    "/api/v1/customers/{id}/devices"           scope UsersRead   devices::api::index, "List a customer's devices" devices::FILTERS => devices::api::OUT;
    Post   "/api/v1/customers/{id}/devices"           scope UsersUpdate devices::api::create, "Add a device" devices::FIELDS => devices::api::OUT;
    Get    "/api/v1/customers/{id}/devices/{device}"  scope UsersRead   devices::api::show, "Show a device" &[] => devices::api::OUT;
    Patch  "/api/v1/customers/{id}/devices/{device}"  scope UsersUpdate devices::api::update, "Change a device" devices::EDIT => devices::api::OUT;
    Delete "/api/v1/customers/{id}/devices/{device}"  scope UsersUpdate devices::api::destroy, "Delete a device" &[] => &[];
    Get    "/api/v1/users/{id}/devices"               scope UsersRead   devices::api::index_of, "Show a user's devices" &[] => devices::api::OUT;
    Get    "/users/{id}/photo"                        scope UsersRead   users::photo::pages::image;
    Get    "/users/{id}/photo/edit"                   scope UsersUpdate users::photo::pages::edit;
    Post   "/users/{id}/photo"                        scope UsersUpdate users::photo::pages::update;
    Post   "/users/{id}/photo/remove"                 scope UsersUpdate users::photo::pages::destroy;
    Get    "/account/photo"                           own   AccountRead   account::pages::photo::image;
    Get    "/account/photo/edit"                      own   AccountUpdate account::pages::photo::edit;
    Post   "/account/photo"                           own   AccountUpdate account::pages::photo::update;
    Post   "/account/photo/remove"                    own   AccountUpdate account::pages::photo::destroy;
    Get    "/api/v1/users/{id}/photo"                 scope UsersRead   users::photo::api::show, "Get a user's photo as JPEG" &[] => &[];
    Put    "/api/v1/users/{id}/photo"                 scope UsersUpdate users::photo::api::update, "Set a user's photo: the body is a JPEG or PNG file of 512 kB at most" &[] => &[];
    Delete "/api/v1/users/{id}/photo"                 scope UsersUpdate users::photo::api::destroy, "Remove a user's photo" &[] => &[];
    Get    "/api/v1/account/photo"                    own   AccountRead   users::photo::api::show_own, "Get one's own photo as JPEG" &[] => &[];
    Put    "/api/v1/account/photo"                    own   AccountUpdate users::photo::api::update_own, "Set one's own photo: the body is a JPEG or PNG file of 512 kB at most" &[] => &[];
    Delete "/api/v1/account/photo"                    own   AccountUpdate users::photo::api::destroy_own, "Remove one's own photo" &[] => &[];
    Get   "/users/{id}/offboard"            scope UsersDeprovision offboarding::pages::form::ask;
    Post  "/users/{id}/offboard"            scope UsersDeprovision offboarding::pages::form::create;
    Get   "/users/{id}/memory"              scope UsersRead    offboarding::pages::memory::index;
    Get   "/users/{id}/offboardings/{offboarding}"        scope UsersRead offboarding::pages::report::show;
    Get   "/users/{id}/offboardings/{offboarding}/report" scope UsersRead offboarding::pages::report::download;
    Get   "/users/{id}/offboardings/{offboarding}/pdf" scope UsersRead offboarding::pages::report::paper;
    Get   "/users/{id}/offboardings/{offboarding}/cancel" scope UsersDeprovision offboarding::pages::report::ask_cancel;
    Post  "/users/{id}/offboardings/{offboarding}/cancel" scope UsersDeprovision offboarding::pages::report::cancel;
    Post  "/users/{id}/offboardings/{offboarding}/steps/{step}/done" scope UsersDeprovision offboarding::pages::report::tick;
    Get   "/users/{id}/rehire"              scope UsersDeprovision arrivals::rehire::pages::ask;
    Post  "/users/{id}/rehire"              scope UsersDeprovision arrivals::rehire::pages::rehire;
    Get   "/customers/{id}/templates"       scope UsersTemplates arrivals::templates::pages::index;
    Get   "/customers/{id}/templates/new"   scope UsersTemplates arrivals::templates::pages::new;
    Post  "/customers/{id}/templates"       scope UsersTemplates arrivals::templates::pages::create;
    Get   "/customers/{id}/templates/{tid}/edit"   scope UsersTemplates arrivals::templates::pages::edit;
    Post  "/customers/{id}/templates/{tid}/edit"   scope UsersTemplates arrivals::templates::pages::update;
    Post  "/customers/{id}/templates/{tid}/delete" scope UsersTemplates arrivals::templates::pages::destroy;
    Get   "/users/{id}"                     scope UsersRead    users::pages::show::show;
    Get   "/users/{id}/edit"                scope UsersUpdate  users::pages::form::edit;
    Post  "/users/{id}/edit"                scope UsersUpdate  users::pages::form::update;
    Get   "/users/{id}/disable"             scope UsersDisable users::pages::life::ask_disable;
    Post  "/users/{id}/disable"             scope UsersDisable users::pages::life::disable;
    Get   "/users/{id}/enable"              scope UsersDisable users::pages::life::ask_enable;
    Post  "/users/{id}/enable"              scope UsersDisable users::pages::life::enable;
    Post  "/users/{id}/provision"           scope UsersUpdate  users::pages::life::provision;
    Get   "/users/{id}/deprovision"         scope UsersDeprovision users::pages::life::ask_deprovision;
    Post  "/users/{id}/deprovision"         scope UsersDeprovision users::pages::life::deprovision;
    Get   "/users/{id}/move"                scope UsersMove    moves::pages::ask;
    Post  "/users/{id}/move"                scope UsersMove    moves::pages::create;
    Get   "/users/{id}/delete"              scope UsersDelete  users::pages::life::ask_delete;
    Post  "/users/{id}/delete"              scope UsersDelete  users::pages::life::destroy;
    Get   "/users/{id}/restore"             scope UsersDelete  users::pages::life::ask_restore;
    Post  "/users/{id}/restore"             scope UsersDelete  users::pages::life::restore;
    Get   "/users/{id}/erase"               scope UsersDelete  users::pages::life::ask_erase;
    Post  "/users/{id}/erase"               scope UsersDelete  users::pages::life::erase;
    Get   "/users/{id}/merge"               scope UsersUpdate  users::pages::merge::new;
    Post  "/users/{id}/merge"               scope UsersUpdate  users::pages::merge::create;

    Get   "/api/v1/users"                   scope UsersRead    users::api::index, "List users" users::FILTERS => users::api::ITEM;
    Get   "/api/v1/customers/{id}/users"    scope UsersRead    users::api::index_of, "List a customer's users" users::FILTERS => users::api::ITEM;
    Post  "/api/v1/customers/{id}/users"    scope UsersCreate  arrivals::api::create, "Add a user" users::fields::ARRIVAL => users::told::OUT;
    Post  "/api/v1/users/{id}/copy"         scope UsersCreate  arrivals::api::copy, "Add a user like another" users::fields::COPY => users::told::OUT;
    Post  "/api/v1/users/{id}/offboard"     scope UsersDeprovision offboarding::api::create, "Offboard a user, now or later" offboarding::OFFBOARD => offboarding::api::ORDERED;
    Get   "/api/v1/users/{id}/offboardings" scope UsersRead    offboarding::api::index, "Show every offboarding of a user" &[] => offboarding::OUT;
    Get   "/api/v1/users/{id}/offboardings/{offboarding}" scope UsersRead offboarding::api::show, "Show an offboarding with its report" &[] => offboarding::OUT;
    Get   "/api/v1/users/{id}/offboardings/{offboarding}/pdf" scope UsersRead offboarding::api::paper, "Get the sealed report of an offboarding as PDF" &[] => &[];
    Post  "/api/v1/users/{id}/offboardings/{offboarding}/cancel" scope UsersDeprovision offboarding::api::cancel, "Cancel what an offboarding has not done yet" &[] => offboarding::OUT;
    Post  "/api/v1/users/{id}/offboardings/{offboarding}/steps/{step}/done" scope UsersDeprovision offboarding::api::tick, "Say that a step was done by hand" &[] => offboarding::OUT;
    Post  "/api/v1/users/{id}/rehire"       scope UsersDeprovision arrivals::rehire::api::rehire, "Take a deprovisioned user up again, from memory" arrivals::rehire::REHIRE => arrivals::rehire::OUT;
    Get   "/api/v1/customers/{id}/templates"       scope UsersTemplates arrivals::templates::api::index, "List the templates of a customer" &[] => arrivals::templates::OUT;
    Post  "/api/v1/customers/{id}/templates"       scope UsersTemplates arrivals::templates::api::create, "Make a template" arrivals::templates::EDIT => arrivals::templates::OUT;
    Get   "/api/v1/customers/{id}/templates/{tid}" scope UsersTemplates arrivals::templates::api::show, "Show a template" &[] => arrivals::templates::OUT;
    Patch "/api/v1/customers/{id}/templates/{tid}" scope UsersTemplates arrivals::templates::api::update, "Change a template" arrivals::templates::EDIT => arrivals::templates::OUT;
    Delete "/api/v1/customers/{id}/templates/{tid}" scope UsersTemplates arrivals::templates::api::destroy, "Delete a template" &[] => &[];
    Get   "/api/v1/users/{id}"              scope UsersRead    users::api::show, "Show a user" &[] => users::told::OUT;
    Patch "/api/v1/users/{id}"              scope UsersUpdate  users::api::update, "Change a user" users::fields::EDIT => users::told::OUT;
    Patch "/api/v1/users/{id}/names"        scope UsersRename  users::api::names, "Change a user's names" users::fields::NAMES => users::told::OUT;
    Patch "/api/v1/users/{id}/account"      scope UsersDisable users::api::account, "Set a user's last day" users::fields::ACCOUNT => users::told::OUT;
    Patch "/api/v1/users/{id}/test-flag"    scope UsersTestFlag users::api::test_flag, "Mark a user as a test" users::fields::TESTING => users::told::OUT;
    Post  "/api/v1/users/{id}/disable"      scope UsersDisable users::life::api::disable, "Disable a user" users::life::SHUT => users::told::OUT;
    Post  "/api/v1/users/{id}/enable"       scope UsersDisable users::life::api::enable, "Enable a user" &[] => users::told::OUT;
    Post  "/api/v1/users/{id}/provision"    scope UsersUpdate  users::life::api::provision, "Bring a user to outside systems once more" &[] => users::life::api::REQUESTS;
    Post  "/api/v1/users/{id}/deprovision"  scope UsersDeprovision users::life::api::deprovision, "End a user's account and remember it" users::life::SHUT => users::life::api::REQUESTS;
    Post  "/api/v1/users/{id}/move"         scope UsersMove    moves::api::create, "Move a user to another customer" moves::MOVE => moves::OUT;
    Delete "/api/v1/users/{id}"             scope UsersDelete  users::life::api::destroy, "Put a user into the bin" users::life::DELETE => users::life::api::DELETED;
    Post  "/api/v1/users/{id}/restore"      scope UsersDelete  users::life::api::restore, "Take a user out of the bin" &[] => users::told::OUT;
    Post  "/api/v1/users/{id}/erase"        scope UsersDelete  users::life::api::erase, "Erase a user in the bin for good" users::life::api::ERASE => &[];
    Post  "/api/v1/users/{id}/merge"        scope UsersUpdate  users::life::api::merge, "Merge another user into this one" users::merge::MERGE => users::life::api::MERGED;
    Post   "/api/v1/billing/periods/{end}/invoices" scope InvoicesWrite invoices::api::draw_up, "Draw up a period's invoices" invoices::RUN => invoices::api::OUTCOME;
    Get    "/api/v1/invoices"               scope InvoicesRead  invoices::api::index, "List invoices" invoices::api::FILTERS => invoices::api::ITEM;
    Get    "/api/v1/invoices/{id}"          scope InvoicesRead  invoices::api::show, "Show an invoice" &[] => invoices::api::OUT;
    Get    "/api/v1/invoices/{id}/html"     scope InvoicesRead  invoices::api::printed, "Show an invoice as it prints" &[] => &[];
    Post   "/api/v1/invoices/{id}/finalise" scope InvoicesWrite invoices::api::finalise, "Give a draft its number, for good" &[] => invoices::api::OUT;
    Post   "/api/v1/invoices/{id}/send"     scope InvoicesWrite invoices::api::send, "Mail an invoice again, with a new link" &[] => invoices::api::OUT;
    Post   "/api/v1/invoices/{id}/revoke-link" scope InvoicesWrite invoices::api::revoke_link, "End the link that was mailed" &[] => invoices::api::OUT;
    Post   "/api/v1/invoices/{id}/void"     scope InvoicesWrite invoices::api::void, "Take an invoice back by a credit note" &[] => invoices::api::OUT;
    Delete "/api/v1/invoices/{id}"          scope InvoicesWrite invoices::api::discard, "Discard a draft" &[] => &[];
    Get    "/api/v1/customers/{id}/issuer"  scope BillingRead  invoices::api::issuer, "Show who writes invoices" &[] => invoices::issuer::FIELDS;
    Put    "/api/v1/customers/{id}/issuer"  scope BillingRead  invoices::api::update_issuer, "Say who writes invoices" invoices::issuer::FIELDS => invoices::issuer::FIELDS;
}

/// Operations of the API that with `?preview=true` say what they would do, and do nothing.
const PREVIEWS: &[(Method, &str)] = &[
    (Method::Post, "/customers"),
    (Method::Patch, "/customers/{id}"),
    (Method::Patch, "/customers/{id}/billing"),
    (Method::Patch, "/customers/{id}/limits"),
    (Method::Post, "/customers/{id}/disable"),
    (Method::Post, "/customers/{id}/deprovision"),
    (Method::Post, "/customers/{id}/reprovision"),
    (Method::Post, "/customers/{id}/move"),
    (Method::Put, "/customers/{id}/allowed-roles/{role}"),
    (Method::Post, "/customers/{id}/users"),
    (Method::Post, "/users/{id}/copy"),
    (Method::Patch, "/users/{id}"),
    (Method::Patch, "/users/{id}/names"),
    (Method::Patch, "/users/{id}/account"),
    (Method::Patch, "/users/{id}/test-flag"),
    (Method::Post, "/users/{id}/disable"),
    (Method::Post, "/users/{id}/deprovision"),
    (Method::Delete, "/users/{id}"),
    (Method::Post, "/users/{id}/offboard"),
    (Method::Post, "/users/{id}/rehire"),
    (Method::Post, "/users/{id}/move"),
    (Method::Post, "/users/{id}/merge"),
    (Method::Post, "/modules/{code}/install"),
    (Method::Post, "/modules/{code}/upgrade"),
];

/// Whether the operation does; orders about services all do. Any other refuses the word: whoever sends
/// it believes that nothing happens.
pub fn has_preview(method: Method, path: &str) -> bool {
    let of_services = path.starts_with("/customers/{id}/services")
        || path.starts_with("/users/{id}/services")
        || path == "/customers/{id}/users/services";
    // A file is tried by a word of its own.
    let other = path.ends_with("/forget") || path.ends_with("/import");
    (of_services && method != Method::Get && !other) || PREVIEWS.contains(&(method, path))
}

/// Writes what the program brings along into the store; run at every start.
pub fn ship(db: &Db) -> Result<()> {
    catalogue::ship(db)
}

/// The public request for a path, if there is one.
pub fn public(method: Method, path: &str) -> Option<&'static Public> {
    PUBLIC.iter().find(|route| route.method == method && crate::web::matches(route.path, path))
}
