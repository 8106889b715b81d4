//! The first page, and the box that finds everything.

use crate::world::{PROVIDER, World};

#[test]
fn a_new_installation_says_what_it_lacks_and_stops_saying_so() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let page = admin.get("/today").expect(200);
    for line in ["No mail server is set", "The catalogue is empty", "There is no customer yet"] {
        assert!(page.says(line), "{line}");
    }
    world.customer(PROVIDER, "Aldermoor Dental");
    let kinds = |answer: crate::world::Answer| {
        answer.json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let left = kinds(admin.api_get("/today").expect(200));
    assert!(
        !left.contains(&"no_customer".to_owned()) && left.contains(&"no_service".to_owned()),
        "{left:?}"
    );
    let clerk = world.person(PROVIDER, "Customer helpdesk");
    assert!(kinds(clerk.api_get("/today")).is_empty(), "a line is for whoever may act on it");
}

#[test]
fn search_finds_parts_of_names_within_reach_only() {
    let world = World::new();
    let (ours, theirs) = (world.reseller("Brightwater"), world.reseller("Tarnholm Rival"));
    let alder = world.customer(ours, "Aldermoor Dental");
    let other = world.customer(theirs, "Aldermoor Vets");
    world.user(alder, "Wilhelmina Grünwald", "wgrunwald");
    world.user(other, "Wilhelmina Other", "other");
    let admin = world.person(ours, "Reseller administrator");
    let page = admin.get("/search?q=moor").expect(200);
    assert!(page.says("Dental") && !page.says("Vets"));
    assert!(admin.get("/search/hits?q=nwald").says("Wilhelmina Grü"));
    assert!(!admin.get("/search?q=wilhelmina").says("Wilhelmina Other"));
    for exact in ["ALDERMOORVETS", "aldermoor-vets.example", "other@aldermoor-vets.example"] {
        assert!(!admin.get(&format!("/search?q={exact}")).says("Vets</"), "{exact}");
    }
    let provider = world.person(PROVIDER, "Provider administrator");
    let all = provider.get("/search?q=aldermoor").body;
    assert!(all.contains("Dental") && all.contains("Vets"));
    assert!(
        provider.get("/search?q=wi").says("lhelmina Other"),
        "two letters find what begins with them"
    );
    assert!(provider.get("/search?q=%22%27%25_%3Cb%3E").says("Nothing matches"));
    assert_eq!(provider.api_get("/search?q=").status, 422);
}
