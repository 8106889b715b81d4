//! The page around a page: who is here, where they may go, what just happened.

use super::response::{self, Response};
use super::{Cx, Request, half, recent};
use crate::auth::Stage;
use crate::auth::permissions::{
    ApprovalsDecide, AuditRead, BillingRead, CatalogueRead, ConnectorsRead, CustomersRead,
    InvoicesRead, JobsRead, MessagesRead, RequestsRead, RolesRead, SettingsRead, UsersRead,
};
use crate::html::parts::Tone;
use crate::html::{self, Flash, Frame, Nav, NavItem};
use maud::Markup;

/// A flash waits in this cookie for the page that shows it.
const FLASH: &str = "portico-flash";

impl Cx<'_> {
    /// A page in its frame. `trail` holds the pages above it.
    pub fn page(&self, nav: Nav, title: &str, trail: &[(&str, String)], body: Markup) -> Response {
        self.page_with(200, nav, title, trail, body)
    }

    /// A form that was refused: 422, with everything typed kept.
    pub fn refused(
        &self,
        nav: Nav,
        title: &str,
        trail: &[(&str, String)],
        body: Markup,
    ) -> Response {
        self.page_with(422, nav, title, trail, body)
    }

    pub fn page_with(
        &self,
        status: u16,
        nav: Nav,
        title: &str,
        trail: &[(&str, String)],
        body: Markup,
    ) -> Response {
        if self.stage != Stage::Whole {
            return half::page(self, status, title, body);
        }
        let items = self.rail();
        let only_oneself = self.has_only_oneself();
        let flash = waiting_flash(self.request);
        let acting = self.acting.as_ref().map(|acting| {
            let until = acting.ends_at.local(&self.actor.zone).strftime("%H:%M");
            let text =
                if acting.over { "It has ended.".to_owned() } else { format!("Until {until}.") };
            (acting.own_name.clone(), acting.name.clone(), text)
        });
        let switch = self.switch();
        let frame = Frame {
            title,
            nav: if nav == Nav::Elsewhere && only_oneself { Nav::Account } else { nav },
            items: &items,
            searches: !only_oneself,
            person: &self.actor.name,
            role: &self.actor.roles,
            organisation: &self.settings.organisation,
            csrf: &self.csrf,
            theme: self.request.cookie("portico-theme").filter(|t| ["light", "dark"].contains(t)),
            brand: None,
            trail,
            flash: flash.as_ref(),
            switch: switch.as_deref(),
            acting: acting.as_ref().map(|(person, other, text)| html::Acting {
                person,
                other,
                text,
            }),
        };
        let answer = response::html(status, html::shell(&frame, body));
        match flash {
            Some(_) => answer
                .with("Set-Cookie", format!("{FLASH}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")),
            None => answer,
        }
    }

    /// 303 to `to`, where the visitor is told `text`.
    pub fn done(&self, to: impl Into<String>, text: &str) -> Response {
        self.tell(to, Tone::Ok, text)
    }

    /// The same for what is not good news.
    pub fn tell(&self, to: impl Into<String>, tone: Tone, text: &str) -> Response {
        let word = match tone {
            Tone::Bad => "bad",
            Tone::Wait => "wait",
            Tone::Busy => "busy",
            _ => "ok",
        };
        let kept: String = text.chars().take(300).collect();
        let value =
            form_urlencoded::Serializer::new(String::new()).append_pair(word, &kept).finish();
        let cookie = format!("{FLASH}={value}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        response::redirect(to).with("Set-Cookie", cookie)
    }

    /// Where one goes from customer to customer, for whoever has more than one.
    fn switch(&self) -> Option<String> {
        let scope = self.actor.scope::<CustomersRead>().ok()?;
        let stands = scope.stands_at();
        let several = stands.len() > 1 || stands.iter().any(|(_, bits)| bits & 2 != 0);
        several.then(|| match recent::tab(&self.request.path) {
            "" => "/switch".to_owned(),
            tab => format!("/switch?at={tab}"),
        })
    }

    /// Whether there is nothing here for the visitor but their own account.
    pub fn has_only_oneself(&self) -> bool {
        !self.parts().iter().any(|(_, may)| *may)
    }

    fn rail(&self) -> Vec<NavItem> {
        if self.has_only_oneself() {
            return vec![NavItem { nav: Nav::Account, count: None }];
        }
        // One more than the rail tells apart: it is counted on every page.
        let failed = self.db.read(|db| self.failed_requests(db, html::TOLD_APART + 1)).unwrap_or(0);
        let count = |nav| (nav == Nav::Requests && failed > 0).then_some((failed, Tone::Bad));
        let parts = self.parts().into_iter().filter(|(_, may)| *may).map(|(nav, _)| nav);
        let all = std::iter::once(Nav::Today).chain(parts);
        all.map(|nav| NavItem { nav, count: count(nav) }).collect()
    }

    /// The parts of the program, and whether the visitor may look into them.
    fn parts(&self) -> [(Nav, bool); 13] {
        let actor = &self.actor;
        [
            (Nav::Customers, actor.may::<CustomersRead>()),
            (Nav::Users, actor.may::<UsersRead>()),
            (Nav::Requests, actor.may::<RequestsRead>()),
            (Nav::Approvals, actor.may::<ApprovalsDecide>()),
            (Nav::Services, actor.may::<CatalogueRead>()),
            (Nav::Billing, actor.may::<BillingRead>()),
            (Nav::Invoices, actor.may::<InvoicesRead>()),
            (Nav::Connectors, actor.may::<ConnectorsRead>()),
            (Nav::Jobs, actor.may::<JobsRead>()),
            (Nav::Mail, actor.may::<MessagesRead>()),
            (Nav::Roles, actor.may::<RolesRead>()),
            (Nav::Audit, actor.may::<AuditRead>()),
            (Nav::Settings, actor.may::<SettingsRead>()),
        ]
    }
}

fn waiting_flash(request: &Request) -> Option<Flash> {
    let value = request.cookie(FLASH)?;
    let (word, text) = form_urlencoded::parse(value.as_bytes()).next()?;
    let tone = match word.as_ref() {
        "bad" => Tone::Bad,
        "wait" => Tone::Wait,
        "busy" => Tone::Busy,
        "ok" => Tone::Ok,
        _ => return None,
    };
    Some(Flash { tone, text: text.into_owned(), action: None })
}
