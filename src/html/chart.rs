//! Charts: a figure with today's number, an SVG made here, and the numbers in a table. Integers
//! only: lengths are counted in tenths.

use maud::{Markup, html};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Bars,
    Line,
}

pub struct Chart<'a> {
    /// Unique on the page.
    pub id: &'a str,
    pub title: &'a str,
    /// The last number, and how it differs from the one before.
    pub now: Markup,
    pub delta: Option<Markup>,
    /// What a point stands for: "Month".
    pub each: &'a str,
    /// Label and value, oldest first.
    pub points: &'a [(String, i64)],
    pub shape: Shape,
    pub format: &'a dyn Fn(i64) -> String,
}

const WIDTH: i64 = 4800;
const HEIGHT: i64 = 880;

pub fn chart(chart: Chart) -> Markup {
    html! {
        figure.chart {
            figcaption {
                span.muted { (chart.title) } " " b { (chart.now) }
                @if let Some(delta) = &chart.delta { " " span.small { (delta) } }
            }
            @if let (Some(first), Some(last)) = (chart.points.first(), chart.points.last()) {
                svg viewBox="0 0 480 88" preserveAspectRatio="none" role="img"
                    aria-labelledby=(chart.id) {
                    title id=(chart.id) { (described(&chart, first, last)) }
                    path.grid d="M0 88H480" {}
                    @match chart.shape {
                        Shape::Bars => (bars(chart.points)),
                        Shape::Line => (line(chart.points)),
                    }
                }
                (axis(chart.points))
                (numbers(&chart))
            } @else {
                p.muted.small { "No numbers yet." }
            }
        }
    }
}

fn described(chart: &Chart, first: &(String, i64), last: &(String, i64)) -> String {
    let said = |(label, value): &(String, i64)| format!("{label} {}", (chart.format)(*value));
    match chart.points.len() {
        1 => format!("{}: {}", chart.title, said(first)),
        _ => format!("{}: {}, {}", chart.title, said(first), said(last)),
    }
}

/// Bars stand on zero, so their heights compare.
fn bars(points: &[(String, i64)]) -> Markup {
    let values = || points.iter().map(|(_, value)| *value);
    let scale = Scale::over(values().min().unwrap_or(0).min(0), values().max().unwrap_or(0).max(0));
    let number = i64::try_from(points.len()).unwrap_or(1).max(1);
    let gap = (WIDTH / number / 6).min(40);
    let last = points.len().saturating_sub(1);
    html! {
        @for (place, value) in values().enumerate() {
            @let left = i64::try_from(place).unwrap_or(0) * WIDTH / number;
            @let right = (i64::try_from(place).unwrap_or(0) + 1) * WIDTH / number;
            @let (top, foot) = (scale.y(value.max(0)), scale.y(value.min(0)));
            rect class=[(place == last).then_some("now")] x=(tenths(left + gap)) y=(tenths(top))
                width=(tenths(right - left - 2 * gap)) height=(tenths(foot - top)) {}
        }
    }
}

/// A line shows movement, so it does not start at zero. One point is a level line.
fn line(points: &[(String, i64)]) -> Markup {
    let values = || points.iter().map(|(_, value)| *value);
    let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
    let scale = Scale::over(low.saturating_sub(low.saturating_abs() / 25), high);
    let steps = i64::try_from(points.len()).unwrap_or(1).saturating_sub(1);
    let mut path: Vec<String> = values()
        .enumerate()
        .map(|(place, value)| {
            let across = i64::try_from(place).unwrap_or(0) * WIDTH / steps.max(1);
            format!("{} {}", tenths(across), tenths(scale.y(value)))
        })
        .collect();
    if let (0, Some(only)) = (steps, values().next()) {
        path.push(format!("{} {}", tenths(WIDTH), tenths(scale.y(only))));
    }
    let path = path.join("L");
    html! {
        path.area d={ "M0 88L" (path) "L480 88Z" } {}
        path.line d={ "M" (path) } {}
    }
}

/// From values to tenths below the upper edge, with a little air above the highest.
struct Scale {
    low: i128,
    span: i128,
}

impl Scale {
    fn over(low: i64, high: i64) -> Scale {
        let (low, high) = (i128::from(low) * 100, i128::from(high) * 100);
        Scale { low, span: (high + high.abs() / 20 - low).max(1) }
    }

    fn y(&self, value: i64) -> i64 {
        let above = (i128::from(value) * 100 - self.low) * i128::from(HEIGHT) / self.span;
        HEIGHT - i64::try_from(above).unwrap_or(0).clamp(0, HEIGHT)
    }
}

fn tenths(number: i64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

fn axis(points: &[(String, i64)]) -> Markup {
    let label = |place: usize| points.get(place).map_or("", |(label, _)| label.as_str());
    let last = points.len().saturating_sub(1);
    html! {
        div.axis aria-hidden="true" {
            span { (label(0)) }
            @if last > 1 { span { (label(points.len() / 2)) } }
            @if last > 0 { span { (label(last)) } }
        }
    }
}

fn numbers(chart: &Chart) -> Markup {
    html! {
        details {
            summary { "Show numbers" }
            table.table {
                caption.sr { (chart.title) " by " (chart.each.to_lowercase()) }
                thead { tr { th scope="col" { (chart.each) } th.num scope="col" { (chart.title) } } }
                tbody {
                    @for (label, value) in chart.points {
                        tr { td { (label) } td.num { ((chart.format)(*value)) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[i64], shape: Shape) -> String {
        let points: Vec<_> =
            values.iter().enumerate().map(|(n, v)| (format!("M{n}"), *v)).collect();
        let format = |value: i64| format!("<{value}>");
        let now = html! { "1" };
        chart(Chart {
            id: "c1",
            title: "Monthly & more",
            now,
            delta: None,
            each: "Month",
            points: &points,
            shape,
            format: &format,
        })
        .into_string()
    }

    #[test]
    fn three_bars_as_in_the_design() {
        let text = drawn(&[10, 12, 15], Shape::Bars);
        assert!(
            text.contains(r#"<rect x="4.0" y="32.2" width="152.0" height="55.8"></rect>"#),
            "{text}"
        );
        assert!(
            text.contains(r#"<rect class="now" x="324.0" y="4.2" width="152.0" height="83.8">"#),
            "{text}"
        );
        assert!(
            text.contains(
                "<title id=\"c1\">Monthly &amp; more: M0 &lt;10&gt;, M2 &lt;15&gt;</title>"
            )
        );
    }

    #[test]
    fn nothing_one_and_twelve_points() {
        for shape in [Shape::Bars, Shape::Line] {
            let none = drawn(&[], shape);
            assert!(none.contains("No numbers yet.") && !none.contains("<svg"), "{none}");
            let one = drawn(&[7], shape);
            assert!(one.contains("Monthly &amp; more: M0 &lt;7&gt;</title>"), "{one}");
            assert_eq!(one.matches("<span>").count(), 1, "one label under one point: {one}");
            let year = drawn(&[3, 4, 5, 6, 5, 7, 8, 9, 9, 10, 11, 12], shape);
            assert_eq!(year.matches("<tr><td>").count(), 12);
            assert!(year.contains("<span>M0</span><span>M6</span><span>M11</span>"));
        }
        assert!(drawn(&[7], Shape::Line).contains(r#"d="M0.0 "#));
        assert_eq!(drawn(&[1; 12], Shape::Bars).matches("<rect").count(), 12);
    }

    #[test]
    fn odd_numbers_stay_inside_the_picture() {
        for values in [&[0, 0][..], &[-5, 5], &[-9, -3], &[i64::MAX, i64::MIN], &[0]] {
            for shape in [Shape::Bars, Shape::Line] {
                let text = drawn(values, shape);
                let svg = text.split("</svg>").next().unwrap();
                assert!(!svg.contains("=\"-") && !svg.contains(".-"), "{values:?} {svg}");
            }
        }
        // Below zero a bar hangs from the zero line: here half of the picture each.
        let text = drawn(&[-100, 100], Shape::Bars);
        assert!(text.contains(r#"height="42.9""#), "{text}");
    }
}
