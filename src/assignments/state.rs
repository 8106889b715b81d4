//! What is shown of an assignment, and what may be done to it: pure functions of what is wanted,
//! what is live and the open request. Nobody sets a state, so none can hang.

use crate::ids::RequestId;

words! {
    Wanted { On = "on", Suspended = "suspended", Gone = "gone" }
}

words! {
    /// What outside systems were last brought to.
    Live { Never = "never", On = "on", Suspended = "suspended", Gone = "gone" }
}

words! {
    State {
        WaitingApproval = "waiting_approval", Provisioning = "provisioning", Failed = "failed",
        Active = "active", Changing = "changing", Suspending = "suspending", Suspended = "suspended",
        Resuming = "resuming", Removing = "removing", Removed = "removed",
    }
}

words! {
    Verb {
        Give = "give", Change = "change", Provision = "provision", Suspend = "suspend",
        Resume = "resume", Remove = "remove",
    }
}

impl Verb {
    /// As the journal says it.
    pub fn past(self) -> &'static str {
        match self {
            Verb::Give => "given",
            Verb::Change => "changed",
            Verb::Provision => "provisioned_again",
            Verb::Suspend => "suspended",
            Verb::Resume => "resumed",
            Verb::Remove => "remove_ordered",
        }
    }
}

/// The work on an assignment that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    pub request: RequestId,
    pub waits_for_approval: bool,
}

/// The table of what is shown.
pub fn state(wanted: Wanted, live: Live, open: Option<Open>) -> State {
    match (wanted, live, open) {
        (_, Live::Gone, _) => State::Removed,
        (Wanted::Gone, _, _) => State::Removing,
        (_, Live::Never, Some(open)) if open.waits_for_approval => State::WaitingApproval,
        (_, Live::Never, Some(_)) => State::Provisioning,
        (_, Live::Never, None) => State::Failed,
        (Wanted::On, Live::On, None) | (Wanted::Suspended, Live::On, None) => State::Active,
        (Wanted::On, Live::On, Some(_)) => State::Changing,
        (Wanted::On, Live::Suspended, Some(_)) => State::Resuming,
        (Wanted::Suspended, Live::On, Some(_)) => State::Suspending,
        (Wanted::Suspended, Live::Suspended, Some(_)) => State::Changing,
        (_, Live::Suspended, None) => State::Suspended,
    }
}

/// Whether what is live is not what is wanted, with nothing under way that would change it.
pub fn is_behind(wanted: Wanted, live: Live, open: Option<Open>) -> bool {
    let same = matches!(
        (wanted, live),
        (Wanted::On, Live::On) | (Wanted::Suspended, Live::Suspended) | (_, Live::Gone)
    );
    open.is_none() && !same
}

/// Why `verb` cannot be done in a state, as the end of a sentence that starts with the service.
/// `own_reason`: whether it is suspended for the reason that is given now.
pub fn refusal(verb: Verb, state: State, open: Option<Open>, own_reason: bool) -> Option<String> {
    let request = || open.map_or(String::new(), |open| format!(" (request {})", open.request));
    let text = match (verb, state) {
        (Verb::Give, State::Removed) => return None,
        (Verb::Give, _) => "is there already".to_owned(),
        (_, State::Removed) => "is removed".to_owned(),
        (Verb::Remove, State::Removing) if open.is_none() => return None,
        // Kept, unless something of it is gone already; that is looked at elsewhere.
        (Verb::Provision, State::Removing) => return None,
        (_, State::Removing) => format!("is being removed{}", request()),
        (Verb::Remove, _) => return None,
        (_, State::WaitingApproval) => "waits for approval: withdraw it first".to_owned(),
        (Verb::Provision, State::Provisioning) => format!("is being provisioned{}", request()),
        (Verb::Provision, State::Changing | State::Suspending | State::Resuming) => {
            format!("is being changed{}", request())
        }
        (Verb::Suspend, _) if own_reason => "is suspended already".to_owned(),
        (Verb::Resume, State::Active) if !own_reason => "is not suspended".to_owned(),
        (Verb::Resume, _) if !own_reason => "is not suspended by an operator".to_owned(),
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Option<Open> = Some(Open { request: RequestId(9), waits_for_approval: false });
    const ASKED: Option<Open> = Some(Open { request: RequestId(9), waits_for_approval: true });

    #[test]
    fn every_row_of_the_table_is_shown_as_decided() {
        let table = "
            on        never      asked  waiting_approval
            on        never      yes    provisioning
            on        never      no     failed
            suspended never      asked  waiting_approval
            suspended never      yes    provisioning
            suspended never      no     failed
            on        on         no     active
            on        on         yes    changing
            on        suspended  yes    resuming
            on        suspended  no     suspended
            suspended on         yes    suspending
            suspended on         no     active
            suspended suspended  no     suspended
            suspended suspended  yes    changing
            gone      never      yes    removing
            gone      on         yes    removing
            gone      on         no     removing
            gone      suspended  yes    removing
            gone      suspended  no     removing
            gone      gone       no     removed";
        for line in table.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let open = match words[2] {
                "asked" => ASKED,
                "yes" => OPEN,
                _ => None,
            };
            let shown = state(words[0].parse().unwrap(), words[1].parse().unwrap(), open);
            assert_eq!(shown.word(), words[3], "{line}");
        }
    }

    #[test]
    fn what_lags_behind_with_nobody_at_work_is_a_problem() {
        let all = Wanted::ALL.iter().flat_map(|w| Live::ALL.iter().map(move |l| (*w, *l)));
        let behind: Vec<String> = all
            .filter(|(wanted, live)| is_behind(*wanted, *live, None))
            .map(|(wanted, live)| format!("{} {}", wanted.word(), live.word()))
            .collect();
        assert_eq!(
            behind,
            [
                "on never",
                "on suspended",
                "suspended never",
                "suspended on",
                "gone never",
                "gone on",
                "gone suspended"
            ]
        );
        assert!(!is_behind(Wanted::On, Live::Never, OPEN));
    }

    #[test]
    fn each_verb_is_refused_where_it_makes_no_sense() {
        use State::*;
        let told = |verb, state, open, own| refusal(verb, state, open, own).unwrap_or_default();
        for verb in [Verb::Change, Verb::Provision, Verb::Suspend, Verb::Resume] {
            assert_eq!(
                told(verb, WaitingApproval, ASKED, false),
                "waits for approval: withdraw it first"
            );
            let removing =
                if verb == Verb::Provision { "" } else { "is being removed (request 9)" };
            assert_eq!(told(verb, Removing, OPEN, false), removing);
            assert_eq!(told(verb, Removed, None, false), "is removed");
        }
        assert_eq!(told(Verb::Remove, WaitingApproval, ASKED, false), "");
        assert_eq!(told(Verb::Remove, Removing, OPEN, false), "is being removed (request 9)");
        assert_eq!(told(Verb::Remove, Removing, None, false), "");
        assert_eq!(
            told(Verb::Provision, Provisioning, OPEN, false),
            "is being provisioned (request 9)"
        );
        assert_eq!(told(Verb::Provision, Suspending, OPEN, false), "is being changed (request 9)");
        assert_eq!(told(Verb::Provision, Failed, None, false), "");
        assert_eq!(told(Verb::Change, Provisioning, OPEN, false), "");
        assert_eq!(told(Verb::Change, Suspended, None, true), "");
        assert_eq!(told(Verb::Resume, Active, None, false), "is not suspended");
        assert_eq!(told(Verb::Resume, Suspended, None, false), "is not suspended by an operator");
        assert_eq!(told(Verb::Resume, Suspended, None, true), "");
        assert_eq!(told(Verb::Suspend, Suspended, None, false), "");
        assert_eq!(told(Verb::Suspend, Suspended, None, true), "is suspended already");
        assert_eq!(told(Verb::Give, Failed, None, false), "is there already");
    }
}
