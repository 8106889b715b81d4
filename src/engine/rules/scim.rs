//! What rules can do in a SCIM service, and what each action is told.

use super::actions::{Kind, Param, param};
use super::text::Into;

const LINE: Kind = Kind::Text(Into::Line);

pub const USER: &[Param] = &[
    param(
        "verb",
        "Verb",
        Kind::Choice(&["create", "change", "suspend", "resume", "remove"]),
        "create, change, suspend, resume or remove; left empty, the event’s own",
    ),
    param(
        "attributes",
        "Attributes",
        Kind::Map,
        "A line each, like nickName = {user.first_name}; they go over what is known of the user",
    ),
    param(
        "removal",
        "When it is removed",
        Kind::Choice(&["keep", "delete", "unmanage"]),
        "The account is switched off; then delete, or unmanage, which leaves it to others. Left empty, it is kept",
    ),
];

pub const GROUP: &[Param] = &[
    param("name", "Name", LINE, "Like Staff of {customer.code}").required(),
    param(
        "verb",
        "Verb",
        Kind::Choice(&["create", "change", "remove"]),
        "create, change or remove; left empty, the event’s own",
    ),
    param(
        "members",
        "Members",
        Kind::Choice(&["holders"]),
        "holders: everybody of the customer who has the service. Left empty, they stay as they are",
    ),
];

pub const MEMBER: &[Param] = &[
    param("group", "Group", LINE, "Its name, like Staff of {customer.code}").required(),
    param("user", "User", LINE, "Left empty, the user of the event; else a sign-in name"),
    param(
        "verb",
        "Verb",
        Kind::Choice(&["add", "remove"]),
        "add or remove; left empty, as the event has it",
    ),
];
