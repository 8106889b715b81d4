//! New users, and the edit form of one.

use crate::auth::Scope;
use crate::auth::permissions::{
    UsersCreate, UsersDisable, UsersRename, UsersTestFlag, UsersUpdate,
};
use crate::customers::fields::LANGUAGES;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::ids::{CustomerId, UserId};
use crate::input::{Fields, Input};
use crate::places::{self, UserTab};
use crate::sheet::countries;
use crate::users::fields::{Details, NEW};
use crate::users::{self, Home, complete, reaches, store};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn new(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    new_page(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let (customer, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match users::create(cx.db, &cx.actor, scope, customer, &input) {
        Ok(id) => Ok(cx.done(format!("/users/{id}"), "The user was added.")),
        Err(Error::Invalid(all)) => new_page(cx, scope, customer, &input, &all),
        Err(err) => Err(err),
    }
}

/// The names that somebody would get, shown while they are typed.
pub fn preview(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let mut input = Input::default();
    for field in ["first_name", "last_name", "display_name", "upn", "mail", "username"] {
        input.set(field, cx.request.query.get(field));
    }
    input.set("sign_in", "everything");
    cx.db.read(|db| {
        let home = Home::of(db, scope, customer)?;
        let mut fields = Fields::of(&input, NEW);
        let said = ["first_name", "last_name", "display_name", "upn"];
        let body = match Details::read(&mut fields, &home.usable) {
            Some(mut details) if said.iter().any(|field| !input.get(field).is_empty()) => {
                let free = details.upn.is_empty() || !store::is_taken(db, &details.upn)?;
                match complete(db, &home, &mut details) {
                    Ok(()) => preview_of(&details, free),
                    Err(_) => html! { p.muted { "Choose a sign-in name yourself." } },
                }
            }
            _ => html! {},
        };
        Ok(response::html(200, body))
    })
}

fn preview_of(details: &Details, free: bool) -> Markup {
    html! {
        dl {
            dt { "Signs in as" }
            dd {
                b { (details.upn) } " "
                @if free { span.muted { "is free" } } @else { span.muted { "is taken" } }
            }
            dt { "User name" } dd.mono { (details.username) }
            dt { "Shown as" } dd { (details.display_name) }
            dt { "First address" } dd { (details.mail) }
        }
    }
}

fn new_page(
    cx: &Cx,
    scope: &Scope<UsersCreate>,
    customer: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (place, departments, may_test) = cx.db.read(|db| {
        let departments = store::departments(db, scope, customer)?;
        let may_test = reaches::<UsersTestFlag>(db, &cx.actor, customer);
        Ok((places::customer(db, scope, customer)?, departments, may_test))
    })?;
    let here = format!("/customers/{customer}/users");
    let form = Form { input, complaints, departments: &departments, preview: Some(customer) };
    let fields = html! {
        div.form {
            (form.person())
            (form.account(html! {
                div.field { output.preview id="names" for="first_name last_name display_name upn" {} }
            }))
            (form.contact())
            (form.address())
            (form.more(may_test, html! {
                (form.last_day())
                (check(input, complaints, "disabled", "Add as disabled", "Nobody can sign in until it is enabled."))
            }))
        }
        (form_foot(html! { (primary("Add user")) (cancel(&here)) }))
    };
    let lede = format!("At {}. Names that you leave empty are made from the name.", place.name);
    let body = html! {
        (page_head("New user", Head { lede: &lede, ..Head::default() }))
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &here, fields))
    };
    let trail = [
        ("Customers", "/customers".to_owned()),
        (place.name.as_str(), format!("/customers/{customer}")),
        ("Users", here.clone()),
    ];
    let title = format!("New user · {}", place.name);
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Customers, &title, &trail, body))
}

pub fn edit(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id = cx.param("id")?;
    let user = cx.db.read(|db| users::one(db, scope, id))?;
    edit_page(cx, scope, id, &form_input(&user.details), &[])
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    match users::update(cx.db, &cx.actor, scope, id, &input, version) {
        Ok(()) => Ok(cx.done(format!("/users/{id}"), "Saved.")),
        Err(Error::Invalid(all)) => {
            let user = cx.db.read(|db| users::one(db, scope, id))?;
            edit_page(cx, scope, id, &input.over(form_input(&user.details)), &all)
        }
        Err(Error::Stale(who)) => {
            let user = cx.db.read(|db| users::one(db, scope, id))?;
            let all = [Complaint::new("", format!("{who} What they saved is shown below."))];
            edit_page(cx, scope, id, &form_input(&user.details), &all)
        }
        Err(err) => Err(err),
    }
}

/// Lists are one address a line in a form.
fn form_input(details: &Details) -> Input {
    let mut input = details.input();
    for (field, list) in
        [("addresses", &details.addresses), ("external_emails", &details.external_emails)]
    {
        input.set(field, list.iter().cloned().collect::<Vec<_>>().join("\n"));
    }
    input.set("keep_address", "1");
    input
}

fn edit_page(
    cx: &Cx,
    scope: &Scope<UsersUpdate>,
    id: UserId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (user, person, departments, may_rename, may_expire, may_test) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        let at = user.customer;
        let departments = store::departments(db, scope, at)?;
        let rename = reaches::<UsersRename>(db, &cx.actor, at);
        let expire = reaches::<UsersDisable>(db, &cx.actor, at);
        let test = reaches::<UsersTestFlag>(db, &cx.actor, at);
        Ok((user, places::user(db, scope, id)?, departments, rename, expire, test))
    })?;
    let form = Form { input, complaints, departments: &departments, preview: None };
    let keep = html! {
        (check(input, complaints, "keep_address", "Keep the old sign-in name as an address", ""))
    };
    let fields = html! {
        (hidden("version", user.version))
        div.form {
            (form.person())
            @if may_rename { (form.account(keep)) }
            (form.contact())
            (form.address())
            (form.more(may_test, html! {
                @if may_expire { (form.last_day()) }
            }))
        }
        (form_foot(html! { (primary("Save")) (cancel(&format!("/users/{id}"))) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &format!("/users/{id}/edit"), fields))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}

const LABELS: &[(&str, &str)] = &[
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("display_name", "Shown as"),
    ("upn", "Sign-in name"),
    ("username", "User name"),
    ("mail", "Primary address"),
    ("addresses", "Further addresses"),
    ("external_emails", "Addresses elsewhere"),
    ("recovery_email", "Private address"),
    ("job_title", "Job title"),
    ("department", "Department"),
    ("location", "Location"),
    ("manager", "Manager"),
    ("office", "Office"),
    ("company", "Company"),
    ("phone", "Phone"),
    ("mobile", "Mobile"),
    ("home_phone", "Home phone"),
    ("fax", "Fax"),
    ("street", "Street"),
    ("postcode", "Postcode"),
    ("city", "City"),
    ("region", "State or province"),
    ("country", "Country"),
    ("language", "Language"),
    ("time_zone", "Time zone"),
    ("web_page", "Web page"),
    ("employee_id", "Employee id"),
    ("cost_centre", "Cost centre"),
    ("description", "Description"),
    ("notes", "Notes"),
    ("expires_on", "Last day"),
    ("sign_in", "May sign in"),
    ("test_user", "Test user"),
];

struct Form<'a> {
    input: &'a Input,
    complaints: &'a [Complaint],
    departments: &'a [String],
    /// Shows the names while they are typed, for a new user of this customer.
    preview: Option<CustomerId>,
}

impl Form<'_> {
    fn text(&self, name: &str, opts: Opts) -> Markup {
        let label =
            LABELS.iter().find(|(field, _)| *field == name).map_or(name, |(_, label)| label);
        text_field(self.input, self.complaints, name, label, opts)
    }

    fn shown(&self, name: &str, opts: Opts) -> Markup {
        let href = self.preview.map(|id| format!("/customers/{id}/users/preview"));
        self.text(name, Opts { preview: href.as_deref().map(|href| (href, "names")), ..opts })
    }

    fn person(&self) -> Markup {
        let half = Opts { width: 3, optional: true, ..Opts::default() };
        let department = Opts { list: "departments", hint: "A new one is added.", ..half };
        let manager = Opts { hint: "The sign-in name.", ltr: true, ..half };
        fieldset(
            "Person",
            "One of the three names suffices.",
            html! {
                (self.shown("first_name", Opts { most: Some(64), ..half }))
                (self.shown("last_name", Opts { most: Some(64), ..half }))
                (self.shown("display_name", Opts { most: Some(120), ..half }))
                (self.text("job_title", half))
                (self.text("department", department))
                datalist id="departments" { @for name in self.departments { option value=(name) {} } }
                (self.text("manager", manager))
            },
        )
    }

    fn account(&self, more: Markup) -> Markup {
        let wide =
            Opts { width: 4, ltr: true, optional: self.preview.is_some(), ..Opts::default() };
        let doors =
            [("everything", "Everywhere"), ("api_only", "API only"), ("nothing", "Nowhere")];
        let area =
            Opts { rows: 2, optional: true, ltr: true, hint: "One a line.", ..Opts::default() };
        fieldset(
            "Account",
            "",
            html! {
                (self.shown("upn", wide))
                (self.text("username", Opts { width: 2, most: Some(20), ..wide }))
                (more)
                (self.text("mail", wide))
                (textarea(self.input, self.complaints, "addresses", "Further addresses", area))
                (self.text("recovery_email", Opts {
                    kind: "email", optional: true, hint: "Elsewhere; links to choose a password go there.", ..wide
                }))
                (choice_field(self.input, self.complaints, "sign_in", "May sign in", &doors,
                    Opts { width: 2, ..Opts::default() }))
            },
        )
    }

    fn contact(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let area =
            Opts { rows: 2, optional: true, ltr: true, hint: "One a line.", ..Opts::default() };
        fieldset(
            "Contact",
            "",
            html! {
                (self.text("phone", Opts { kind: "tel", ..third }))
                (self.text("mobile", Opts { kind: "tel", ..third }))
                (self.text("fax", Opts { kind: "tel", ..third }))
                (self.text("office", third))
                (self.text("location", third))
                (self.text("company", third))
                (textarea(self.input, self.complaints, "external_emails", "Addresses elsewhere", area))
            },
        )
    }

    fn address(&self) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut all = vec![("", "None")];
        all.extend(countries::all());
        fieldset(
            "Address",
            "",
            html! {
                (textarea(self.input, self.complaints, "street", "Street",
                    Opts { rows: 2, optional: true, ..Opts::default() }))
                (self.text("postcode", third))
                (self.text("city", third))
                (self.text("region", third))
                (choice_field(self.input, self.complaints, "country", "Country", &all,
                    Opts { width: 3, ..Opts::default() }))
            },
        )
    }

    fn last_day(&self) -> Markup {
        let hint = "Access ends that midnight.";
        self.text(
            "expires_on",
            Opts { kind: "date", width: 3, optional: true, hint, ..Opts::default() },
        )
    }

    fn more(&self, may_test: bool, extra: Markup) -> Markup {
        let third = Opts { width: 2, optional: true, ..Opts::default() };
        let mut languages = vec![("", "The customer's")];
        languages.extend(LANGUAGES);
        fieldset(
            "More",
            "",
            html! {
                (self.text("employee_id", third))
                (self.text("cost_centre", third))
                (choice_field(self.input, self.complaints, "language", "Language", &languages,
                    Opts { width: 2, ..Opts::default() }))
                (self.text("time_zone", Opts { ltr: true, hint: "Empty: the customer's.", width: 3, ..third }))
            (textarea(self.input, self.complaints, "notes", "Notes",
                    Opts { rows: 3, optional: true, ..Opts::default() }))
                (check(self.input, self.complaints, "main_contact", "Main contact", "Sees the customer's tickets."))
                @if may_test {
                    (check(self.input, self.complaints, "test_user", "Test user", "Is not billed."))
                }
                (extra)
            },
        )
    }
}
