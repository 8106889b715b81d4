//! Lists: search and filters, the table, picking rows, paging by key, and what stands there when
//! there is nothing to list.

use super::field::options;
use super::form::hidden;
use super::parts::icon;
use super::text::count;
use maud::{Markup, html};

/// A heading. `class`: `num` for figures, `p2` and `p3` leave first when it gets narrow.
#[derive(Clone, Default)]
pub struct Column<'a> {
    heading: &'a str,
    class: &'static str,
    sort: Option<(String, Sort)>,
    acts: bool,
}

/// How the rows are ordered by this column now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Up,
    Down,
    Not,
}

/// What a table may have besides headings and rows; leave out with `..Look::default()`.
#[derive(Default)]
pub struct Look {
    /// Rows of the foot: sums.
    pub foot: Option<Markup>,
    pub class: &'static str,
    /// Scrolls sideways and drops no column.
    pub keep: bool,
    /// Rows begin with [`pick`]; the heading gets the box that picks all.
    pub picks: bool,
}

pub fn column(heading: &str) -> Column<'_> {
    Column { heading, ..Column::default() }
}

/// The column of row menus; its heading is for readers.
pub fn acts() -> Column<'static> {
    Column { heading: "Actions", class: "acts", acts: true, ..Column::default() }
}

impl<'a> Column<'a> {
    pub fn class(self, class: &'static str) -> Column<'a> {
        Column { class, ..self }
    }

    /// Its heading is a link to the list in that order.
    pub fn sorted(self, href: impl Into<String>, sort: Sort) -> Column<'a> {
        Column { sort: Some((href.into(), sort)), ..self }
    }
}

/// `rows` are `tr`; the first cell of each is `th scope="row"`.
pub fn table(caption: &str, columns: &[Column], rows: Markup) -> Markup {
    table_with(caption, columns, rows, Look::default())
}

pub fn table_with(caption: &str, columns: &[Column], rows: Markup, look: Look) -> Markup {
    let class =
        if look.class.is_empty() { "table".into() } else { format!("table {}", look.class) };
    let wrap = if look.keep { "table-wrap keep" } else { "table-wrap" };
    html! {
        div class=(wrap) role=[look.keep.then_some("region")]
            aria-label=[look.keep.then_some(caption)] tabindex=[look.keep.then_some("0")] {
            table class=(class) {
                caption.sr { (caption) }
                thead {
                    tr {
                        @if look.picks { (pick_all()) }
                        @for column in columns { (heading(column)) }
                    }
                }
                tbody { (rows) }
                @if let Some(foot) = look.foot { tfoot { (foot) } }
            }
        }
    }
}

fn heading(column: &Column) -> Markup {
    let order = column.sort.as_ref().and_then(|(_, sort)| match sort {
        Sort::Up => Some(("ascending", "arrow-up")),
        Sort::Down => Some(("descending", "arrow-down")),
        Sort::Not => None,
    });
    let class = (!column.class.is_empty()).then_some(column.class);
    html! {
        th scope="col" class=[class] aria-sort=[order.map(|(word, _)| word)] {
            @if let Some((href, _)) = &column.sort {
                a href=(href) {
                    (column.heading) @if let Some((_, shape)) = order { (icon(shape)) }
                }
            } @else if column.acts { span.sr { (column.heading) } }
            @else { (column.heading) }
        }
    }
}

fn pick_all() -> Markup {
    html! {
        th.pick scope="col" {
            input.form-check-input.js-only type="checkbox" aria-label="Select all on this page";
        }
    }
}

/// Whether a row can be picked, and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picked {
    Yes,
    No,
    /// The row stays out of what is done to the others.
    Never,
}

/// The box at the start of a row, sent as `id`. `label` names the row.
pub fn pick(label: &str, id: impl std::fmt::Display, picked: Picked) -> Markup {
    html! {
        td.pick {
            input.form-check-input type="checkbox" name="id" value=(id)
                aria-label={ "Select " (label) } disabled[picked == Picked::Never]
                checked[picked == Picked::Yes];
        }
    }
}

/// Appears when rows are picked and counts them; stands in the same form, right after the table,
/// since CSS counts the boxes and containment must not come between.
pub fn bulk(buttons: Markup) -> Markup {
    html! { div.bulk { span { output {} " selected" } (buttons) } }
}

/// The search box of a list.
pub fn search(label: &str, value: &str) -> Markup {
    html! {
        span.search {
            (icon("search"))
            input.form-control type="search" name="q" value=(value) placeholder=(label)
                aria-label=(label);
        }
    }
}

/// A select without a visible label, for filters. The first choice is the one that means all.
pub fn select<V: AsRef<str>, T: AsRef<str>>(
    name: &str,
    label: &str,
    choices: &[(V, T)],
    now: &str,
) -> Markup {
    html! {
        select.form-select name=(name) id={ "filter-" (name) } aria-label=(label) {
            (options(choices, now))
        }
    }
}

/// A GET form with search box and selects; an address, so it can be shown to a colleague.
pub fn filters(action: &str, body: Markup) -> Markup {
    html! { form.filters action=(action) { (body) button.btn { "Filter" } } }
}

/// The same with filters that few lists need at once: behind a line that opens them, with a button of
/// their own.
pub fn filters_and_more(action: &str, body: Markup, open: bool, more: Markup) -> Markup {
    html! {
        form.filters action=(action) {
            (body)
            button.btn { "Filter" }
            details open[open] { summary { "More filters" } div { (more) button.btn { "Filter" } } }
        }
    }
}

/// A text to filter by, without a visible label.
pub fn word(name: &str, label: &str, kind: &str, value: &str) -> Markup {
    html! {
        input.form-control type=(kind) name=(name) value=(value) placeholder=(label) aria-label=(label);
    }
}

/// Filter by state, as links that keep the query: (text, address, number). `now` is the text of the
/// open one.
pub fn chips<H: AsRef<str>>(label: &str, list: &[(&str, H, Option<i64>)], now: &str) -> Markup {
    html! {
        nav aria-label=(label) {
            ul.chips {
                @for (text, href, count) in list {
                    li {
                        a href=(href.as_ref()) aria-current=[(*text == now).then_some("true")] {
                            (text)
                            @if let Some(count) = count { " " small { (count) } }
                        }
                    }
                }
            }
        }
    }
}

/// Below a table: what is shown ("1–50 of 1,204"), and where there is more.
pub fn paging(text: &str, previous: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        div.table-foot {
            span { (text) }
            @if previous.is_some() || next.is_some() {
                nav aria-label="Pages" {
                    ul.pagination {
                        @if let Some(href) = previous {
                            li.page-item { a.page-link href=(href) rel="prev" { "Previous" } }
                        }
                        @if let Some(href) = next {
                            li.page-item { a.page-link href=(href) rel="next" { "Next" } }
                        }
                    }
                }
            }
        }
    }
}

/// The same below rows that are picked: the pages are buttons of the form around them, so that what
/// is ticked goes along. `path` is the list's; an empty cursor is its start.
pub fn paging_picked(text: &str, path: &str, first: bool, next: Option<&str>) -> Markup {
    let turn = |cursor: &str, text: &str| {
        html! {
            li.page-item {
                button.page-link formaction=(path) name="after" value=(cursor) { (text) }
            }
        }
    };
    html! {
        div.table-foot {
            span { (text) }
            @if !first || next.is_some() {
                nav aria-label="Pages" {
                    ul.pagination {
                        @if !first { (turn("", "Previous")) }
                        @if let Some(cursor) = next { (turn(cursor, "Next")) }
                    }
                }
            }
        }
    }
}

/// Rows that were picked on other pages: they are sent along, and can be let go at `clear`.
pub fn picked_elsewhere(ids: &[&str], clear: &str) -> Markup {
    html! {
        @if !ids.is_empty() {
            p.picked-elsewhere {
                @for id in ids {
                    // Styles count what they show: one empty element for each.
                    (hidden("id", id)) i {}
                }
                (count(i64::try_from(ids.len()).unwrap_or(i64::MAX), "more is", "more are"))
                " selected on other pages. " a href=(clear) { "Let them go" }
            }
        }
    }
}

/// Instead of the table: what would be here, why one wants it, and the first step.
pub fn empty(shape: &str, title: &str, text: &str, action: Option<Markup>) -> Markup {
    html! {
        div.empty {
            (icon(shape))
            p.empty-title { (title) }
            p.empty-subtitle { (text) }
            @if let Some(action) = action { div.empty-action { (action) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sorted_heading_says_so_twice() {
        let columns = [
            column("Name").sorted("?sort=-name", Sort::Up),
            column("Monthly").class("num").sorted("?sort=monthly", Sort::Not),
            column("Job").class("p3"),
            acts(),
        ];
        let look = Look { picks: true, keep: true, class: "matrix", ..Look::default() };
        let text = table_with("Users", &columns, html! { tr {} }, look).into_string();
        assert_eq!(text.matches("aria-sort=").count(), 1);
        assert!(
            text.contains(
                r#"<th scope="col" aria-sort="ascending"><a href="?sort=-name">Name<svg"#
            )
        );
        assert!(
            text.contains(r#"<th scope="col" class="num"><a href="?sort=monthly">Monthly</a>"#)
        );
        assert!(
            text.contains(r#"<th scope="col" class="acts"><span class="sr">Actions</span></th>"#)
        );
        assert!(text.contains(r#"role="region" aria-label="Users" tabindex="0""#));
        assert!(text.contains("Select all on this page"));
    }

    #[test]
    fn paging_offers_only_what_there_is() {
        assert!(!paging("7 users", None, None).into_string().contains("<nav"));
        let first = paging("1–50", None, Some("/users?after=50&q=a")).into_string();
        assert!(first.contains(r#"href="/users?after=50&amp;q=a" rel="next""#));
        assert!(!first.contains("Previous"));
        let last = paging("51–60", Some("/users"), None).into_string();
        assert!(last.contains(r#"rel="prev""#) && !last.contains("Next"));
    }

    #[test]
    fn what_people_typed_cannot_become_markup() {
        let nasty = r#"<b>&"'"#;
        let page = html! {
            (table(nasty, &[column(nasty).sorted(nasty, Sort::Not)], html! {}))
            (pick(nasty, nasty, Picked::No)) (search(nasty, nasty))
            (select(nasty, nasty, &[(nasty, nasty)], nasty)) (chips(nasty, &[(nasty, nasty, None)], ""))
            (paging(nasty, Some(nasty), Some(nasty))) (paging_picked(nasty, nasty, false, Some(nasty)))
            (picked_elsewhere(&[nasty], nasty)) (empty("search", nasty, nasty, None))
        };
        let text = page.into_string();
        assert!(
            !text.contains("<b>") && !text.contains("&\"") && !text.contains(r#"&amp;"'"#),
            "{text}"
        );
    }

    #[test]
    fn rows_are_picked_or_kept_out() {
        assert!(pick("Theo", 7, Picked::Yes).into_string().contains(" checked"));
        assert!(pick("Theo", 7, Picked::Never).into_string().contains(" disabled"));
        let text = pick("Theo", 7, Picked::No).into_string();
        assert!(!text.contains(" checked") && !text.contains(" disabled"), "{text}");
    }
}
