//! What rules can do in a directory, and what each action is told.

use super::actions::{Kind, Param, param};
use super::text::Into;
use crate::directory::work::Verb;

const LINE: Kind = Kind::Text(Into::Line);

const TARGET: Kind = Kind::Text(Into::Target);

const USER: Param =
    param("user", "Account", TARGET, "Left empty, the user’s own; else a user name");
const GROUP: Param =
    param("group", "Group", TARGET, "Its name, like VPN_{customer.code}").required();
const ATTRIBUTES: Param = param(
    "attributes",
    "Attributes",
    Kind::Map,
    "A line each, like info = {user.upn}; they go over what is known of the user",
);

const OU_ENSURE: &[Param] = &[
    param("name", "Name", LINE, "Left empty, the customer’s own OU"),
    param("parent", "Below", TARGET, "Left empty, the customer’s own OU"),
];
const OU_RENAME: &[Param] = &[
    param("ou", "OU", TARGET, "Left empty, the customer’s own"),
    param("name", "New name", LINE, "Left empty, what the customer is called now"),
];
const OU_REMOVE: &[Param] = &[param("ou", "OU", TARGET, "Left empty, the customer’s own")];
const USER_ENSURE: &[Param] = &[
    param("ou", "OU", TARGET, "Left empty, where the customer’s structure puts the user"),
    param("cn", "Name", LINE, "Left empty, the display name"),
    param("account", "User name", LINE, "Left empty, the user’s"),
    param("upn", "Sign-in name", LINE, "Left empty, the user’s"),
    ATTRIBUTES,
];
const USER_ATTRIBUTES: &[Param] = &[USER, ATTRIBUTES];
const USER_RENAME: &[Param] = &[
    USER,
    param("cn", "Name", LINE, "Left empty, it stays"),
    param("account", "User name", LINE, "Left empty, it stays"),
    param("upn", "Sign-in name", LINE, "Left empty, it stays"),
];
const USER_MOVE: &[Param] = &[
    USER,
    param("ou", "To OU", TARGET, "Left empty, where the customer’s structure puts the user"),
];
const OF_USER: &[Param] = &[USER];
const GROUP_ENSURE: &[Param] = &[
    param("name", "Name", LINE, "Like VPN_{customer.code}").required(),
    param(
        "kind",
        "Kind",
        Kind::Word,
        "global, domain_local, universal or distribution; global if empty",
    ),
    param("ou", "OU", TARGET, "Left empty, the customer’s own"),
    param("mail", "Address", Kind::Text(Into::Email), ""),
];
const GROUP_RENAME: &[Param] = &[GROUP, param("name", "New name", LINE, "").required()];
const GROUP_REMOVE: &[Param] = &[GROUP];
const MEMBER: &[Param] =
    &[GROUP, param("member", "Member", TARGET, "Left empty, the user; else the name of a group")];

pub fn params(verb: Verb) -> &'static [Param] {
    match verb {
        Verb::OuEnsure => OU_ENSURE,
        Verb::OuRename => OU_RENAME,
        Verb::OuRemove => OU_REMOVE,
        Verb::UserEnsure => USER_ENSURE,
        Verb::UserAttributes => USER_ATTRIBUTES,
        Verb::UserRename => USER_RENAME,
        Verb::UserMove => USER_MOVE,
        Verb::UserDelete | Verb::Enable | Verb::Disable | Verb::Unlock | Verb::MustChange => {
            OF_USER
        }
        Verb::Password | Verb::PutBack => &[],
        Verb::GroupEnsure => GROUP_ENSURE,
        Verb::GroupRename => GROUP_RENAME,
        Verb::GroupRemove => GROUP_REMOVE,
        Verb::MemberAdd | Verb::MemberRemove => MEMBER,
    }
}

/// For people.
pub fn label(verb: Verb) -> &'static str {
    match verb {
        Verb::OuEnsure => "Directory: make an OU",
        Verb::OuRename => "Directory: rename an OU",
        Verb::OuRemove => "Directory: delete an empty OU",
        Verb::UserEnsure => "Directory: make an account",
        Verb::UserAttributes => "Directory: write an account",
        Verb::UserRename => "Directory: rename an account",
        Verb::UserMove => "Directory: move an account",
        Verb::UserDelete => "Directory: delete an account",
        Verb::Password => "Directory: set a password",
        Verb::Enable => "Directory: enable an account",
        Verb::Disable => "Directory: disable an account",
        Verb::Unlock => "Directory: unlock an account",
        Verb::MustChange => "Directory: ask for a new password",
        Verb::GroupEnsure => "Directory: make a group",
        Verb::GroupRename => "Directory: rename a group",
        Verb::GroupRemove => "Directory: delete a group",
        Verb::MemberAdd => "Directory: add to a group",
        Verb::MemberRemove => "Directory: take out of a group",
        Verb::PutBack => "Directory: put back what was moved or renamed",
    }
}
