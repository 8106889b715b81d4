//! Beginning to act as a user, and stopping.

use super::{ACT, Acted, start, stop};
use crate::auth::permissions::{AccountRead, UsersActAs};
use crate::auth::{Own, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::section;
use crate::html::table::{column, table};
use crate::html::text::moment;
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, UserTab};
use crate::time::Zone;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn new(cx: &Cx, scope: &Scope<UsersActAs>) -> Result<Response> {
    cx.again()?;
    form(cx, scope, 200, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<UsersActAs>) -> Result<Response> {
    cx.again()?;
    let (user, input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    match start(cx, scope, user, &input) {
        Ok(()) => Ok(cx.done(
            "/today",
            "You act as somebody else for 60 minutes. Press Stop when you are done.",
        )),
        Err(Error::Invalid(complaints)) => form(cx, scope, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    stop(cx)?;
    Ok(cx.done("/today", "You are yourself again."))
}

/// Who acted as the reader; nothing where nobody did.
pub fn history(all: &[Acted], zone: &Zone) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    let columns = [column("When"), column("Who"), column("Why")];
    let rows = html! {
        @for each in all {
            tr { th scope="row" { (moment(each.at, zone)) } td { (each.by) } td { (each.reason) } }
        }
    };
    section("Who acted as you", None, table("Who acted as you", &columns, rows))
}

fn form(
    cx: &Cx,
    scope: &Scope<UsersActAs>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let about = "You see what they see and may do what you both may, for 60 minutes. Both names are recorded, and they can read your reason.";
    let most = Opts { width: 6, most: Some(200), autofocus: true, ..Opts::default() };
    let labels: Vec<(&str, &str)> = ACT.iter().map(|field| (field.name, "Reason")).collect();
    let title = format!("Act as {}", person.name);
    let body = html! {
        (complaints_flash(complaints, &labels))
        (post_form(&cx.csrf, &format!("/users/{id}/act-as"), html! {
            div.form { (fieldset(&title, about, text_field(input, complaints, "reason", "Reason", most))) }
            (form_foot(html! { (primary("Act as this user")) (cancel(&format!("/users/{id}"))) }))
        }))
    };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}
