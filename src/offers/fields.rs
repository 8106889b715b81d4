//! A form field for a limit: the same on offers and on the services of customers.

use super::Stand;
use crate::error::Complaint;
use crate::html::field::{Opts, text_field};
use crate::input::Input;
use maud::Markup;

/// The most there may be of something, and how many there are.
pub fn limit_field(input: &Input, complaints: &[Complaint], stand: &Stand) -> Markup {
    let measure = &stand.measure;
    let hint = format!("{} in use. Empty: no limit", measure.meter().number(stand.used));
    let kind = if measure.is_size() { "" } else { "number" };
    let placeholder = if measure.is_size() { "500 GiB" } else { "" };
    let opts = Opts { width: 2, optional: true, kind, placeholder, hint: &hint, ..Opts::default() };
    text_field(input, complaints, &format!("limits.{}", measure.key), &measure.label, opts)
}
