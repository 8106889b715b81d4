//! The check of a file: what each row would do, how the file is read, and which rows are taken.

use super::pages::trail;
use super::said::{Mode, READING};
use super::{Order, Outcome, Report, RowOut, Said, apply, gives_factor_roles, remember, store};
use crate::auth::permissions::{RolesGrant, UsersCreate, UsersDisable, UsersImport, UsersPassword};
use crate::auth::{Permission, Scope};
use crate::customers::properties::{Holder, Property, Standing, open_to};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link};
use crate::html::field::{Opts, check as tick_box, choice_field};
use crate::html::form::{fieldset, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, flash, page_head, pill};
use crate::html::table::{Look, Picked, bulk, chips, column, pick, table_with};
use crate::html::text;
use crate::ids::{CustomerId, UploadId};
use crate::input::{Fields, Input};
use crate::places::{self, Place};
use crate::sheet::columns::Use;
use crate::sheet::field::Field;
use crate::sheet::{self, Format, Remark, Sheet};
use crate::users::fields::NEW;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Rows of a check that are shown; the file of refused ones has all.
const SHOWN: usize = 500;

/// A file with what was said about it.
struct Upload {
    customer: CustomerId,
    id: UploadId,
    name: String,
    bytes: Vec<u8>,
    said: Said,
}

impl Upload {
    fn of(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Upload> {
        let (customer, id): (CustomerId, UploadId) = (cx.param("id")?, cx.param("upload")?);
        cx.db.read(|db| {
            let (name, bytes) = store::upload(db, scope, customer, cx.actor.user, id)?;
            let said = Said::kept(&store::options(db, id)?)?;
            Ok(Upload { customer, id, name, bytes, said })
        })
    }

    fn here(&self) -> String {
        format!("/customers/{}/users/import/{}", self.customer, self.id)
    }

    fn sheet(&self, cx: &Cx) -> Result<Sheet> {
        cx.db.read(|db| self.said.sheet(db, self.customer, &self.bytes))
    }

    /// Custom properties that a heading can be pointed at, each with what it is called.
    fn properties(&self, cx: &Cx) -> Result<Vec<(String, String)>> {
        cx.db.read(|db| {
            let holder = Holder::new_user(self.customer);
            let open = open_to(db, Standing::of(db, &cx.actor, &holder)?, &holder)?;
            let named = |each: Property| (Field::Custom(each.key).to_string(), each.label);
            Ok(open.into_iter().map(named).collect())
        })
    }

    fn order<'a>(&'a self, cx: &'a Cx, scope: &'a Scope<UsersImport>) -> Order<'a> {
        Order {
            db: cx.db,
            app: Some(cx.app),
            said: &self.said,
            actor: &cx.actor,
            scope,
            customer: self.customer,
            lines: None,
            dry_run: true,
            from: 0,
            earlier: &[],
        }
    }

    fn checked(&self, cx: &Cx, scope: &Scope<UsersImport>, sheet: &Sheet) -> Result<Report> {
        apply(&self.order(cx, scope), sheet, |_, _, _| Ok(true))
    }
}

/// What each row of the file would do.
pub fn check(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let upload = Upload::of(cx, scope)?;
    let place = cx.db.read(|db| places::customer(db, scope, upload.customer))?;
    let file = match upload.sheet(cx) {
        Ok(file) => file,
        Err(Error::Invalid(all)) => return unread(cx, &upload, &place, &all),
        Err(other) => return Err(other),
    };
    let report = upload.checked(cx, scope, &file)?;
    let lede = format!(
        "{} for {}: {} new, {} changed, {} unchanged, {} refused, {} skipped.",
        text::count(number(report.rows.len()), "row", "rows"),
        place.name,
        report.created,
        report.updated,
        report.unchanged,
        report.refused,
        report.skipped,
    );
    let here = upload.here();
    let actions = html! {
        @if report.refused > 0 {
            (link("Download refused", &format!("{here}/refused")).icon("download").download())
        }
        (link("Upload again", &format!("/customers/{}/users/import", upload.customer)).icon("upload"))
    };
    let body = html! {
        (page_head(&upload.name, Head { actions: Some(actions), lede: &lede, ..Head::default() }))
        @if let Some(held) = &report.held { (flash(Tone::Wait, html! { (held) }, None)) }
        @if !report.notices.is_empty() {
            (flash(Tone::Wait, html! { @for text in &report.notices { p { (text) } } }, None))
        }
        (rows(cx, &upload, &report))
        (how(cx, &upload, Some(&file), &upload.properties(cx)?, &headings(&file)))
    };
    Ok(cx.page(Nav::Customers, &upload.name, &trail(upload.customer, &place.name), body))
}

/// A file that cannot be read as it is: why, and how it might be.
fn unread(
    cx: &Cx,
    upload: &Upload,
    place: &Place,
    all: &[crate::error::Complaint],
) -> Result<Response> {
    let why: Vec<&str> = all.iter().map(|each| each.message.as_str()).collect();
    let headings: Vec<(String, Option<Field>)> = match upload.said.headings(&upload.bytes) {
        Ok((headings, _)) => headings.into_iter().map(|heading| (heading, None)).collect(),
        Err(_) => Vec::new(),
    };
    let body = html! {
        (page_head(&upload.name, Head { lede: "It cannot be read yet.", ..Head::default() }))
        (flash(Tone::Bad, html! { "The file " (why.join(" ")) "." }, None))
        (how(cx, upload, None, &upload.properties(cx)?, &headings))
    };
    let trail = trail(upload.customer, &place.name);
    Ok(cx.page_with(422, Nav::Customers, &upload.name, &trail, body))
}

fn rows(cx: &Cx, upload: &Upload, report: &Report) -> Markup {
    let here = upload.here();
    let wanted = cx.request.query.get("result");
    let of = |word: &str| match word {
        "created" => report.created,
        "updated" => report.updated,
        "unchanged" => report.unchanged,
        "refused" => report.refused,
        _ => report.skipped,
    };
    let words = [
        ("New", "created"),
        ("Changes", "updated"),
        ("Unchanged", "unchanged"),
        ("Refused", "refused"),
        ("Skipped", "skipped"),
    ];
    let mut list = vec![("All rows", here.clone(), Some(number(report.rows.len())))];
    let some = words.iter().filter(|(_, word)| of(word) > 0);
    list.extend(
        some.map(|(text, word)| (*text, format!("{here}?result={word}"), Some(number(of(word))))),
    );
    let now = words.iter().find(|(_, word)| *word == wanted).map_or("All rows", |(text, _)| text);
    let chosen: Vec<&RowOut> =
        report.rows.iter().filter(|row| wanted.is_empty() || row.result.word() == wanted).collect();
    let hidden = chosen.len().saturating_sub(SHOWN);
    let columns = [
        column("Row").class("num"),
        column("Name"),
        column("Sign-in name").class("p2"),
        column("Result"),
    ];
    let table = html! {
        @for row in chosen.iter().take(SHOWN) { (line(cx, upload, row)) }
    };
    let look = Look { picks: true, ..Look::default() };
    let goes = !upload.said.all_or_nothing || report.refused == 0;
    let good = report.created + report.updated;
    let choose = html! {
        (table_with("Rows of the file", &columns, table, look))
        @if goes {
            (bulk(html! { button.btn.btn-primary.btn-sm name="what" value="picked" { "Import these" } }))
        }
        (form_foot(html! {
            @if goes && good > 0 {
                button.btn.btn-primary name="what" value="all" { "Import all good rows" }
            }
            (cancel(&format!("/customers/{}/users", upload.customer)))
        }))
    };
    html! {
        (chips("Rows by result", &list, now))
        @if hidden > 0 {
            p.muted { "The first " (SHOWN) " rows are shown; " (hidden) " more are checked and imported the same way." }
        }
        (post_form(&cx.csrf, &here, choose))
    }
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn line(cx: &Cx, upload: &Upload, row: &RowOut) -> Markup {
    let (tone, word) = match row.result {
        Outcome::Created => (Tone::Ok, "New"),
        Outcome::Updated => (Tone::Busy, "Changes"),
        Outcome::Unchanged => (Tone::Off, "Unchanged"),
        Outcome::Refused => (Tone::Bad, "Refused"),
        Outcome::Skipped => (Tone::Off, "Skipped"),
    };
    let picked = if row.is_good() { Picked::Yes } else { Picked::Never };
    let fixes = row.result == Outcome::Refused && cx.actor.may::<UsersCreate>();
    html! {
        tr {
            (pick(&format!("row {}", row.line), row.line, picked))
            td.num.muted { (row.line) }
            th scope="row" { @if row.name.is_empty() { span.muted { "no name" } } @else { (row.name) } }
            td.p2 { (row.upn) }
            td {
                (pill(tone, word))
                @for each in row.errors.iter().chain(&row.notices) { small { (sentence(each)) } }
                @for (field, change) in &row.changes {
                    small { (field) ": " (change[0].as_str().unwrap_or_default()) " → " (change[1].as_str().unwrap_or_default()) }
                }
                @if fixes { small { a href={ (upload.here()) "/rows/" (row.line) } { "Fix row " (row.line) } } }
            }
        }
    }
}

/// "User Name someone@elsewhere.example must end in one of aldermoor.example".
fn sentence(remark: &Remark) -> String {
    let all = [remark.column.as_str(), &remark.value, &remark.message];
    all.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The headings that somebody can point at a field, and what they are read as.
fn headings(file: &Sheet) -> Vec<(String, Option<Field>)> {
    let open = file.columns.iter().filter(|column| {
        !matches!(column.used, Use::Password | Use::Nameless) && !column.heading.is_empty()
    });
    open.map(|column| (column.heading.clone(), column.field().cloned())).collect()
}

/// How the file is read and what it may do, to be changed.
fn how(
    cx: &Cx,
    upload: &Upload,
    file: Option<&Sheet>,
    properties: &[(String, String)],
    headings: &[(String, Option<Field>)],
) -> Markup {
    let said = &upload.said;
    let mut input = Input::default();
    let yes = |flag: bool| if flag { "1" } else { "0" };
    let mode = said.mode.unwrap_or(Mode::Upsert);
    for (name, value) in [
        ("encoding", said.encoding.map_or("", |each| each.word()).to_owned()),
        (
            "separator",
            match said.separator {
                Some('\t') => "tab".to_owned(),
                Some(c) => c.to_string(),
                None => String::new(),
            },
        ),
        ("sheet", said.sheet.clone()),
        ("mode", mode.word().to_owned()),
        ("state", yes(said.state).to_owned()),
        ("welcome", yes(said.welcome).to_owned()),
        ("by_site", yes(said.by_site).to_owned()),
        ("all_or_nothing", yes(said.all_or_nothing).to_owned()),
    ] {
        input.set(name, value);
    }
    let found = match file.map(|file| &file.format) {
        Some(Format::Csv { encoding, separator }) => {
            let named = match separator {
                '\t' => "tab".to_owned(),
                other => format!("‘{other}’"),
            };
            format!("Read as {} with {named} between cells.", encoding.word())
        }
        Some(Format::Xlsx { sheet, .. }) => format!("Read from the sheet ‘{sheet}’."),
        None => String::new(),
    };
    let sheets: Vec<String> = match file.map(|file| &file.format) {
        Some(Format::Xlsx { sheets, .. }) => sheets.clone(),
        _ => Vec::new(),
    };
    let body = html! {
        div.form {
            (fieldset("What the file may do", "", may_do(cx, &input)))
            (fieldset("How it is read", &found, reading_fields(&input, &sheets)))
            @if !headings.is_empty() { (fieldset("Columns",
                "What is chosen here is remembered for files with the same headings.", columns(upload, properties, headings))) }
        }
        (form_foot(html! { (button("Check again")) }))
    };
    card(
        "Read it differently",
        None,
        post_form(&cx.csrf, &format!("{}/reading", upload.here()), body),
    )
}

fn may_do(cx: &Cx, input: &Input) -> Markup {
    let modes = [
        ("upsert", "Add new people and change known ones"),
        ("new", "Only add new people"),
        ("existing", "Only change known people"),
    ];
    html! {
        (choice_field(input, &[], "mode", "People", &modes, Opts { width: 4, ..Opts::default() }))
        (tick_box(input, &[], "all_or_nothing", "All or nothing", "One refused row holds all others back."))
        @if cx.actor.may::<UsersDisable>() {
            (tick_box(input, &[], "state", "Account state of those who exist", "The file disables and enables them."))
        }
        @if cx.actor.may::<UsersPassword>() {
            (tick_box(input, &[], "welcome", "Welcome", "New people are mailed a link to choose a password."))
        }
        (tick_box(input, &[], "by_site", "Rows name their customer", "By code or name, in the column Site."))
    }
}

fn reading_fields(input: &Input, sheets: &[String]) -> Markup {
    let encodings = [
        ("", "Found out"),
        ("utf-8", "UTF-8"),
        ("utf-16le", "UTF-16, little end first"),
        ("utf-16be", "UTF-16, big end first"),
        ("windows-1252", "Windows-1252"),
    ];
    let separators =
        [("", "Found out"), (",", "Comma"), (";", "Semicolon"), ("tab", "Tab"), ("|", "Bar")];
    let mut all = vec![("", "The first")];
    all.extend(sheets.iter().map(|name| (name.as_str(), name.as_str())));
    let half = Opts { width: 3, ..Opts::default() };
    html! {
        @if sheets.is_empty() {
            (choice_field(input, &[], "encoding", "Encoding", &encodings, half))
            (choice_field(input, &[], "separator", "Between cells", &separators, half))
        } @else {
            (choice_field(input, &[], "sheet", "Sheet", &all, half))
        }
    }
}

fn columns(
    upload: &Upload,
    properties: &[(String, String)],
    headings: &[(String, Option<Field>)],
) -> Markup {
    let plain = Field::PLAIN.iter().map(|field| (field.to_string(), field.label()));
    let fields: Vec<(String, String)> = plain.chain(properties.iter().cloned()).collect();
    html! {
        @for (at, (heading, now)) in headings.iter().enumerate() {
            @let name = format!("columns.{heading}");
            @let usual = match now {
                Some(field) if !upload.said.columns.contains_key(heading) => {
                    format!("As found: {}", field.label())
                }
                Some(_) => "As found".to_owned(),
                None => "Not used".to_owned(),
            };
            @let chosen = upload.said.columns.get(heading).map(Field::to_string).unwrap_or_default();
            div.field.w3 {
                label.form-label for={ "column-" (at) } { (heading) }
                select.form-select id={ "column-" (at) } name=(name) {
                    option value="" { (usual) }
                    @for (word, label) in &fields {
                        option value=(word) selected[*word == chosen] { (label) }
                    }
                }
            }
        }
    }
}

/// Keeps how the file is to be read, and checks it again.
pub fn reading(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let upload = Upload::of(cx, scope)?;
    let input = cx.input()?;
    let mut fields = Fields::of(&input, READING);
    let said = Said::read(&mut fields);
    let said = fields.finish(|| said)?;
    cx.db.write(cx.actor.by, |tx| {
        store::set_options(tx, cx.actor.user, upload.id, &serde_json::to_string(&said)?)
    })?;
    remember(cx.db, scope, upload.customer, &said, &upload.bytes)?;
    Ok(response::redirect(upload.here()))
}

/// Queues the import of the rows that were chosen.
pub fn run(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let upload = Upload::of(cx, scope)?;
    let input = cx.input()?;
    let picked: Vec<u32> = input.all("id").filter_map(|line| line.parse().ok()).collect();
    let all = input.get("what") != "picked";
    if !all && picked.is_empty() {
        return Err(Error::refused("No row was chosen."));
    }
    if gives_factor_roles(&upload.order(cx, scope), &upload.sheet(cx)?)? {
        cx.again_for(RolesGrant::NAME)?;
    }
    let run = cx.db.write(cx.actor.by, |tx| {
        super::run::queue(tx, upload.customer, upload.id, (!all).then_some(picked))
    })?;
    Ok(response::redirect(format!("/runs/{run}")))
}

/// The refused rows under their own headings, each with its reason.
pub fn refused(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let upload = Upload::of(cx, scope)?;
    let report = upload.checked(cx, scope, &upload.sheet(cx)?)?;
    let bad = report.rows.iter().filter(|row| row.result == Outcome::Refused);
    let reasons: BTreeMap<u32, String> = bad
        .map(|row| (row.line, row.errors.iter().map(sentence).collect::<Vec<_>>().join("; ")))
        .collect();
    let options = cx.db.read(|db| upload.said.whole(db, upload.customer, &upload.bytes))?;
    let file = sheet::write_refused(&upload.bytes, &options, &reasons)?;
    Ok(response::download("refused.csv", "text/csv; charset=utf-8", file))
}

/// One row as a form of a new user, with what it says.
pub fn fix(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let upload = Upload::of(cx, scope)?;
    let wanted: u32 = cx.param("line")?;
    let file = upload.sheet(cx)?;
    let row = file.rows.iter().find(|row| row.line == wanted).ok_or(Error::NotFound)?;
    let mut input = Input::default();
    for (field, cell) in &row.cells {
        let word = field.to_string();
        if NEW.iter().any(|known| known.name == word) && !cell.text().is_empty() {
            input.set(&word, cell.text());
        }
    }
    Ok(response::redirect(format!("/customers/{}/users/new?{}", upload.customer, input.to_query())))
}
