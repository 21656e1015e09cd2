//! What the database answers of a filter, with the residual evaluation, is what brute force finds.

use directory::Condition;
use directory::reservation::{self, Reservation, Reserved};
use directory::resource::{self, Kind, Page, Resource, Wanted};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use registry::{BearerToken, TenantId};
use scim::document::{self, Meta};
use scim::filter::Filter;
use scim::native::Native;
use scim::schema::{GROUP, ResourceType, USER};
use scim::{Object, members};
use serde_json::json;
use testkit::store::Store;
use uuid::Uuid;

testkit::on_both_databases!(the_database_and_the_evaluation_find_what_brute_force_finds);

const USERS: usize = 40;
const FILTERS: usize = 400;

fn whole(kind: Kind, resource: &Resource) -> Object {
    let id = resource.id.to_string();
    let meta = Meta {
        id: &id,
        created: resource.created_at,
        last_modified: resource.modified_at,
        version: resource.version,
        base_url: "https://x.test/scim/v2",
    };
    let mut shown = resource.document.clone();
    let ids: Vec<String> = resource.related.iter().map(|(id, _)| id.to_string()).collect();
    if !ids.is_empty() {
        let related = match kind {
            Kind::User => members::render_groups(ids.iter().map(|id| (id.as_str(), "G")), meta.base_url),
            Kind::Group => {
                let all: Vec<members::Member> = ids.iter().map(members::Member::new).collect();
                members::render(&all, meta.base_url)
            }
        };
        shown.insert(if kind == Kind::User { "groups" } else { "members" }.to_owned(), related);
    }
    document::render(of(kind), &shown, &meta)
}

fn of(kind: Kind) -> &'static ResourceType {
    match kind {
        Kind::User => &USER,
        Kind::Group => &GROUP,
    }
}

fn pick<'a>(random: &mut impl Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

const NAMES: [&str; 8] = ["ada", "ADA", "grace_1", "gr%ce", "ßtraße", "İnci", "o'brien", "a|b\\c"];
const MAILS: [&str; 6] = ["ada@x.test", "ADA@x.test", "g|r@x.test", "a%@x.test", "z_@x.test", "other@y.test"];

async fn create(store: &Store, tenant: TenantId, token: &BearerToken, wanted: Reservation) -> Option<Uuid> {
    if reservation::reserve(&store.db, &wanted, token.hash()).await.unwrap() != Reserved::Yes {
        return None;
    }
    let id = Uuid::new_v4();
    assert_eq!(wanted.tenant, tenant);
    match wanted.kind {
        Kind::User => {
            let base = Native::of(&wanted.document);
            reservation::complete_user(&store.db, &wanted, id, &base, None).await.unwrap().unwrap();
        }
        Kind::Group => drop(reservation::complete_group(&store.db, &wanted, id, true).await.unwrap().unwrap()),
    }
    Some(id)
}

async fn populate(store: &Store, tenant: TenantId, token: &BearerToken, random: &mut impl Rng) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..USERS {
        let mut body =
            json!({ "userName": format!("{}{}", pick(random, &NAMES), number / 3), "active": random.random_bool(0.5) });
        if random.random_bool(0.5) {
            body["externalId"] = json!(format!("{}{number}", pick(random, &["E", "e"])));
        }
        let mails: Vec<_> = (0..random.random_range(0..3))
            .map(|_| json!({ "value": pick(random, &MAILS), "type": pick(random, &["work", "home"]) }))
            .collect();
        body["emails"] = json!(mails);
        if random.random_bool(0.5) {
            body["title"] = json!(pick(random, &NAMES));
        }
        let document = document::accept(&USER, &body).unwrap();
        let wanted = Reservation::new(tenant, Kind::User, document, Vec::new());
        ids.extend(create(store, tenant, token, wanted).await.map(|id| id.to_string()));
    }
    for number in 0..8 {
        let body = json!({ "displayName": format!("{}{number}", pick(random, &NAMES)) });
        let members =
            ids.iter().filter(|_| random.random_bool(0.2)).map(|id| (Uuid::parse_str(id).unwrap(), Kind::User));
        let members = members.collect();
        let wanted = Reservation::new(tenant, Kind::Group, document::accept(&GROUP, &body).unwrap(), members);
        ids.extend(create(store, tenant, token, wanted).await.map(|id| id.to_string()));
    }
    ids
}

/// A filter as clients write them, and worse.
fn filter(random: &mut impl Rng, kind: Kind, ids: &[String], times: &[String], depth: u32) -> String {
    if depth > 0 && random.random_bool(0.6) {
        let (left, right) = (filter(random, kind, ids, times, depth - 1), filter(random, kind, ids, times, depth - 1));
        return match random.random_range(0..4) {
            0 => format!("({left}) and ({right})"),
            1 => format!("({left}) or ({right})"),
            2 => format!("not ({left})"),
            _ => left,
        };
    }
    let operator = pick(random, &["eq", "ne", "co", "sw", "ew", "gt", "le"]);
    let text = |text: &str| serde_json::to_string(text).unwrap();
    let (name, mail) = (text(pick(random, &NAMES)), text(pick(random, &MAILS)));
    let id = text(&ids[random.random_range(0..ids.len())]);
    let time = &times[random.random_range(0..times.len())];
    let order = pick(random, &["eq", "gt", "ge", "lt", "le", "ne"]);
    let number = random.random_range(0..14);
    match (kind, random.random_range(0..11)) {
        (_, 0) => format!("id {} {id}", pick(random, &["eq", "ne"])),
        (_, 1) => format!("meta.lastModified {order} \"{time}\""),
        (_, 2) => format!("meta.created {order} \"{time}\""),
        (Kind::User, 3) => format!("userName eq {}", text(&format!("{}{number}", pick(random, &NAMES)))),
        (Kind::User, 4) => format!("userName {operator} {name}"),
        (Kind::User, 5) => {
            format!("externalId {} \"{}{number}\"", pick(random, &["eq", "ne"]), pick(random, &["E", "e"]))
        }
        (Kind::User, 6) => format!("emails {operator} {mail}"),
        (Kind::User, 7) => format!("emails[type eq \"work\"].value eq {mail}"),
        (Kind::User, 8) => format!("emails[type eq \"home\" and value {operator} {mail}]"),
        (Kind::User, 9) => format!("groups {} {id}", pick(random, &["eq", "ne"])),
        (Kind::User, _) => format!("title {operator} {name}"),
        (Kind::Group, 3..=5) => format!("displayName {operator} {name}"),
        (Kind::Group, 6..=8) => format!("members {} {id}", pick(random, &["eq", "ne"])),
        (Kind::Group, _) => format!("members[value eq {id} and type eq \"User\"]"),
    }
}

async fn the_database_and_the_evaluation_find_what_brute_force_finds(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let (other, other_token) = store.provisioned("other").await;
    let mut random = StdRng::seed_from_u64(7);
    let ids = populate(&store, acme, &token, &mut random).await;
    populate(&store, other, &other_token, &mut random).await;
    let wanted = Wanted { related: true, total: true };
    for kind in [Kind::User, Kind::Group] {
        let everybody = Page::Offset(0, 1_000);
        let (all, _) = resource::page(&store.db, acme, kind, &Condition::all(), everybody, wanted).await.unwrap();
        let shown: Vec<(Uuid, Object)> = all.iter().map(|one| (one.id, whole(kind, one))).collect();
        let times: Vec<String> =
            shown.iter().map(|(_, one)| one["meta"]["created"].as_str().unwrap().to_owned()).collect();
        let mut narrowed = 0;
        for _ in 0..FILTERS {
            let text = filter(&mut random, kind, &ids, &times, 2);
            let parsed = Filter::parse(of(kind), &text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let brute: Vec<Uuid> = shown.iter().filter(|(_, one)| parsed.matches(one)).map(|(id, _)| *id).collect();
            let condition = Condition::of(kind, &parsed);
            let (rows, total) = resource::page(&store.db, acme, kind, &condition, everybody, wanted).await.unwrap();
            narrowed += usize::from(rows.len() < shown.len());
            let exact: Vec<Uuid> = rows.iter().map(|one| one.id).collect();
            if condition.exact {
                assert_eq!(exact, brute, "{text}");
                assert_eq!(total, Some(brute.len() as u64), "{text}");
            }
            let residual: Vec<Uuid> =
                rows.iter().filter(|one| parsed.matches(&whole(kind, one))).map(|one| one.id).collect();
            assert_eq!(residual, brute, "{text}");
        }
        assert!(narrowed > FILTERS / 4, "the database narrowed {narrowed} of {FILTERS}");
    }
}
