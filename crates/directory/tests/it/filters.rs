//! What the database answers of a filter, with the residual evaluation, is what brute force finds.

use directory::reservation::{self, Reservation, Reserved};
use directory::resource::{self, Kind, Page, Place, Resource, Wanted};
use directory::{Condition, Order};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use registry::{BearerToken, TenantId};
use scim::document::{self, Meta};
use scim::filter::Filter;
use scim::native::Native;
use scim::schema::{GROUP, ResourceType, USER};
use scim::sort::Sort;
use scim::{Object, members};
use serde_json::json;
use testkit::store::Store;
use uuid::Uuid;

use crate::admitted;

testkit::on_both_databases!(
    the_database_and_the_evaluation_find_what_brute_force_finds,
    an_order_of_the_database_is_the_one_found_in_memory,
    what_a_column_answers_is_exact
);

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
    document::render(of(kind), shown, &meta)
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
    if reservation::reserve(&store.db, &wanted, admitted(token.hash())).await.unwrap() != Reserved::Yes {
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
        let mut body = json!({ "userName": format!("{}{}", pick(random, &NAMES), number / 3) });
        if random.random_bool(0.8) {
            body["active"] = json!(random.random_bool(0.5));
        }
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
    match (kind, random.random_range(0..12)) {
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
        (Kind::User, 10) => {
            format!("active {} {}", pick(random, &["eq", "ne"]), pick(random, &["true", "false", "\"True\"", "null"]))
        }
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
    let wanted = Wanted { related: true, total: true, order: None };
    for kind in [Kind::User, Kind::Group] {
        let everybody = Page::Offset(0, 1_000);
        let all = resource::page(&store.db, acme, kind, &Condition::all(), &everybody, wanted).await.unwrap();
        let shown: Vec<(Uuid, Object)> = all.resources.iter().map(|one| (one.id, whole(kind, one))).collect();
        let times: Vec<String> =
            shown.iter().map(|(_, one)| one["meta"]["created"].as_str().unwrap().to_owned()).collect();
        let mut narrowed = 0;
        for _ in 0..FILTERS {
            let text = filter(&mut random, kind, &ids, &times, 2);
            let parsed = Filter::parse(of(kind), &text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let brute: Vec<Uuid> = shown.iter().filter(|(_, one)| parsed.matches(one)).map(|(id, _)| *id).collect();
            let condition = Condition::of(&store.db, kind, &parsed);
            let selected = resource::page(&store.db, acme, kind, &condition, &everybody, wanted).await.unwrap();
            let (rows, total) = (selected.resources, selected.total);
            narrowed += usize::from(rows.len() < shown.len());
            let exact: Vec<Uuid> = rows.iter().map(|one| one.id).collect();
            if condition.exact {
                assert_eq!(exact, brute, "{text}");
                assert_eq!(total, brute.len() as u64, "{text}");
            }
            let residual: Vec<Uuid> =
                rows.iter().filter(|one| parsed.matches(&whole(kind, one))).map(|one| one.id).collect();
            assert_eq!(residual, brute, "{text}");
        }
        assert!(narrowed > FILTERS / 4, "the database narrowed {narrowed} of {FILTERS}");
    }
}

async fn an_order_of_the_database_is_the_one_found_in_memory(store: Store) {
    let (acme, token) = store.provisioned("acme").await;
    let mut random = StdRng::seed_from_u64(11);
    populate(&store, acme, &token, &mut random).await;
    for (kind, by) in [
        (Kind::User, "userName"),
        (Kind::User, "externalId"),
        (Kind::User, "meta.created"),
        (Kind::User, "meta.lastModified"),
        (Kind::Group, "displayName"),
        (Kind::Group, "externalId"),
    ] {
        let everybody = Page::Offset(0, 1_000);
        let all =
            resource::page(&store.db, acme, kind, &Condition::all(), &everybody, Wanted::default()).await.unwrap();
        for direction in ["ascending", "descending"] {
            let sort = Sort::parse(of(kind), by, Some(direction)).unwrap();
            let order = Order::of(kind, &sort);
            assert!(order.is_some(), "{by}");
            let mut expected: Vec<_> = all.resources.iter().map(|one| (sort.key(&whole(kind, one)), one)).collect();
            expected.sort_by(|(left, one), (right, other)| {
                sort.compare(left, right).then((one.created_at, one.id).cmp(&(other.created_at, other.id)))
            });
            // Times are kept more exactly than they are shown.
            if by.starts_with("meta.") {
                let time = |one: &Resource| if by == "meta.created" { one.created_at } else { one.modified_at };
                expected.sort_by_key(|(_, one)| if direction == "ascending" { time(one) } else { -time(one) });
            }
            let expected: Vec<Uuid> = expected.into_iter().map(|(_, one)| one.id).collect();
            let (mut walked, mut last) = (Vec::new(), None);
            loop {
                let wanted = Wanted { order, total: true, ..Wanted::default() };
                let page = Page::After(last, 3);
                let page = resource::page(&store.db, acme, kind, &Condition::all(), &page, wanted).await.unwrap();
                assert_eq!(page.total, expected.len() as u64);
                let Some((resource, key)) = page.resources.last().zip(page.keys.last()) else { break };
                last = Some(Place { key: key.clone(), created_at: resource.created_at, id: resource.id });
                walked.extend(page.resources.into_iter().map(|one| one.id));
            }
            assert_eq!(walked, expected, "{by} {direction}");
        }
    }
}

async fn what_a_column_answers_is_exact(store: Store) {
    for (kind, text, exact) in [
        (Kind::User, "active eq false", true),
        (Kind::User, "active ne true and userName eq \"a\"", true),
        (Kind::User, "active eq \"True\" and meta.lastModified ge \"2021-09-23T19:35:41.8420572Z\"", true),
        (Kind::User, "id eq \"x\" or externalId eq \"x\" or groups eq \"x\"", true),
        (Kind::Group, "not (displayName eq \"x\") and members eq \"x\"", true),
        (Kind::User, "emails eq \"a@x.test\"", false),
        (Kind::User, "title eq \"x\"", false),
    ] {
        let filter = Filter::parse(of(kind), text).unwrap();
        assert_eq!(Condition::of(&store.db, kind, &filter).exact, exact, "{text}");
    }
}
