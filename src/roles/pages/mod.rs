//! Roles as pages: the list, one of them, the editor, who holds what, what is allowed where.

pub mod allowed;
pub mod editor;
pub mod held;
pub mod list;
pub mod outsiders;
pub mod why;

/// "Users" of "users", "Billing update" of "billing_update".
fn words(name: &str) -> String {
    match name {
        "mfa" => "Second factor".to_owned(),
        name => crate::places::capital(&name.replace('_', " ")),
    }
}
