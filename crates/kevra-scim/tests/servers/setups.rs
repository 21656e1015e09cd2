//! `control` killed while it sets realms up, between any two of its calls: whoever does it again, an operator or the
//! reconciler, ends where an undisturbed set-up ends, and what was there before is remembered as it was.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::console::Console;
use testkit::eventually;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak, InForce};
use testkit::installation::{Installation, Role};
use testkit::keycloak::Realm;

use crate::scene::{SOON, ask};
use crate::{PROGRAM, front};

/// An installation whose `control` is killed.
struct Stage {
    keycloak: FaultyKeycloak,
    installation: Installation,
    console: Console,
    control: Role,
    gateway: Role,
}

/// A tenant with its realm, and how the event stores of that were.
struct Tenant {
    slug: String,
    realm: Realm,
    /// In every other realm somebody has use for user events already.
    kind: usize,
    before: Value,
}

/// Two whose set-up nothing disturbed, one of either kind, and the calls that one of them took.
struct Whole {
    made: [Value; 2],
    calls: Vec<Call>,
    _tenants: [Tenant; 2],
}

/// Whether a call is one of the set-up of a realm.
fn is_of(realm: &str, call: &Call) -> bool {
    let path = call.path.split('?').next().unwrap_or_default();
    let below = path.strip_prefix("/admin/realms/").and_then(|path| path.strip_prefix(realm));
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

fn writes(call: &Call) -> bool {
    call.method != Method::GET
}

impl Tenant {
    fn stores(&self) -> Value {
        self.realm.admin(Method::GET, "/events/config", None)
    }

    /// Everything a set-up makes of a realm, without the ids.
    fn made(&self) -> Value {
        let get = |path: &str| self.realm.admin(Method::GET, path, None);
        let names = |roles: &Value| -> Vec<String> {
            let mut names: Vec<String> =
                roles.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        let clients = get("/clients?clientId=kevra-scim");
        assert_eq!(clients.as_array().map(Vec::len), Some(1), "{clients}");
        let client =
            ["enabled", "publicClient", "serviceAccountsEnabled", "standardFlowEnabled", "directAccessGrantsEnabled"]
                .map(|flag| clients[0][flag].clone());
        let account = get(&format!("/clients/{}/service-account-user", clients[0]["id"].as_str().unwrap()));
        let mapped = get(&format!("/users/{}/role-mappings", account["id"].as_str().unwrap()));
        let (rights, realm) = (names(&mapped["clientMappings"]["realm-management"]["mappings"]), get(""));
        let ours: Vec<String> = names(&get("/roles")).into_iter().filter(|name| name.starts_with("scim")).collect();
        json!({ "client": client, "rights": rights, "roles": ours, "profile": get("/users/profile"),
            "stores": self.stores(), "kept": realm["attributes"]["adminEventsExpiration"],
            "renames": realm["editUsernameAllowed"] })
    }

    /// One call of its set-up is never answered: so many of its kind come before.
    fn stopped(&self, keycloak: &FaultyKeycloak, after: usize, counts: fn(&Call) -> bool) -> InForce {
        let (came, name) = (AtomicUsize::new(0), self.realm.name().to_owned());
        keycloak.once(Fault::Swallow, move |call| {
            is_of(&name, call) && counts(call) && came.fetch_add(1, Ordering::SeqCst) == after
        })
    }
}

impl Stage {
    fn new() -> Self {
        let keycloak = FaultyKeycloak::default();
        let installation = Installation::on_keycloak_at(PROGRAM, &keycloak.url());
        let (console, control, gateway) = front(&installation);
        Self { keycloak, installation, console, control, gateway }
    }

    /// One who wants everything a realm can be set up with.
    fn tenant(&self, number: usize) -> Tenant {
        let (slug, realm) = (format!("t{number}"), Realm::default());
        let kind = number % 2;
        if kind == 1 {
            let some = json!({ "eventsEnabled": true, "eventsExpiration": 77, "adminEventsEnabled": false });
            realm.admin(Method::PUT, "/events/config", Some(&some));
        }
        self.console.make_tenant(&slug, realm.name());
        self.console.inbound_options(&slug, &json!({ "allow_rename": true, "projection": { "title": "title" } }));
        let before = realm.admin(Method::GET, "/events/config", None);
        Tenant { slug, realm, kind, before }
    }

    fn whole(&self) -> Whole {
        let tenants = [self.tenant(1_000), self.tenant(1_001)];
        let ((), calls) = self.keycloak.during(|| tenants.iter().for_each(|tenant| drop(self.enable(tenant))));
        let calls = calls.into_iter().filter(|call| is_of(tenants[0].realm.name(), call)).collect();
        Whole { made: tenants.each_ref().map(Tenant::made), calls, _tenants: tenants }
    }

    fn enable(&self, tenant: &Tenant) -> String {
        self.console.enable_inbound(&tenant.slug)
    }

    fn sql(&self, statement: &str) -> String {
        self.installation.database().ask(statement)
    }

    fn until_sql(&self, question: &str, answer: &str) {
        let there = eventually(SOON, || (self.sql(question) == answer).then_some(()));
        assert!(there.is_some(), "{question}: {}\n{}", self.sql(question), self.installation.logs());
    }

    /// `control` dies where it is, and is started again.
    fn kill(&mut self, stopped: Vec<InForce>) {
        for rule in &stopped {
            rule.wait_for(1);
        }
        self.control.process.kill();
        drop(stopped);
        self.control.restart();
    }

    /// The set-ups of these are nobody's any more: the lease of whoever died has run out.
    fn leases_run_out(&self, tenants: &[Tenant]) {
        let slugs: Vec<&str> = tenants.iter().map(|tenant| tenant.slug.as_str()).collect();
        let of = format!("select id from tenant where slug in ('{}')", slugs.join("', '"));
        self.sql(&format!("update realm_watch set setup_until = 0, check_at = null where tenant_id in ({of})"));
    }

    /// Everything is as it is after an undisturbed set-up, and works.
    fn stands(&self, tenant: &Tenant, whole: &Whole, token: &str, name: &str) {
        assert_eq!(tenant.made(), whole.made[tenant.kind], "{}", tenant.slug);
        let said = self.installation.try_run(&["doctor", &tenant.slug]);
        assert!(said.is_ok(), "{}: {said:?}", tenant.slug);
        let base = format!("{}/realms/{}/scim/v2", self.gateway.url, tenant.realm.name());
        let made = || ask(&base, token, Method::POST, "/Users", &json!({ "userName": name })).unwrap().status;
        // A secret of before is found to be of no use by the first who tries it.
        let made = eventually(SOON, || Some(made()).filter(|status| *status != 503));
        assert_eq!((made, tenant.realm.user(name).is_some()), (Some(201), true), "{}", tenant.slug);
    }

    /// Set-ups killed before each of their writes and after the last; the last of them is asked for by nobody.
    fn set_ups_are_killed(&mut self, tenants: &[Tenant], whole: &Whole) {
        let last = whole.calls.iter().rposition(writes).unwrap() + 1;
        let places = (0..whole.calls.len()).filter(|at| writes(&whole.calls[*at]) || *at == last).chain([last]);
        let stopped: Vec<InForce> =
            tenants.iter().zip(places).map(|(tenant, at)| tenant.stopped(&self.keycloak, at, |_| true)).collect();
        assert_eq!(stopped.len(), tenants.len());
        let console = self.installation.console(&self.control);
        std::thread::scope(|scope| {
            for tenant in tenants {
                let (console, path) = (&console, format!("/tenants/{}/inbound/enable", tenant.slug));
                scope.spawn(move || console.try_call(Method::POST, &path, None));
            }
            self.kill(stopped);
        });
    }

    /// Repairs killed before each of their writes, and done by the next look.
    fn repairs_are_killed(&mut self, tenants: &[Tenant]) {
        let stop = |(at, tenant): (usize, &Tenant)| {
            undo(tenant);
            tenant.stopped(&self.keycloak, at, writes)
        };
        let stopped = tenants.iter().enumerate().map(stop).collect();
        self.leases_run_out(tenants);
        self.kill(stopped);
        self.leases_run_out(tenants);
        self.until_sql("select count(*) from realm_watch where check_at is null", "0");
        self.until_sql(
            "select count(distinct tenant_id) from audit_entry where action = 'realm.repair'",
            &tenants.len().to_string(),
        );
    }
}

/// As somebody does who wants us gone: nothing of the set-up is left.
fn undo(Tenant { realm, before, .. }: &Tenant) {
    let clients = realm.admin(Method::GET, "/clients?clientId=kevra-scim", None);
    realm.admin(Method::DELETE, &format!("/clients/{}", clients[0]["id"].as_str().unwrap()), None);
    realm.admin(Method::DELETE, "/roles/scim-managed", None);
    let mut profile = realm.admin(Method::GET, "/users/profile", None);
    let ours = ["scimExternalId", "scimManaged", "title"];
    let attributes = profile["attributes"].as_array_mut().unwrap();
    attributes.retain(|attribute| !ours.contains(&attribute["name"].as_str().unwrap()));
    realm.admin(Method::PUT, "/users/profile", Some(&profile));
    let mut attributes = realm.admin(Method::GET, "", None)["attributes"].take();
    attributes.as_object_mut().unwrap().remove("adminEventsExpiration");
    realm.admin(Method::PUT, "", Some(&json!({ "attributes": attributes, "editUsernameAllowed": false })));
    let mut stores = json!({ "adminEventsEnabled": false });
    for name in ["eventsEnabled", "eventsExpiration"] {
        stores[name] = before[name].clone();
    }
    realm.admin(Method::PUT, "/events/config", Some(&stores));
}

#[test]
fn set_ups_and_repairs_killed_at_any_of_their_writes_are_ended_by_the_next_and_what_was_before_is_put_back() {
    let mut stage = Stage::new();
    let whole = stage.whole();
    let count = whole.calls.iter().filter(|call| writes(call)).count();
    // As many realms are looked after at once.
    assert!((6..=8).contains(&count), "{count} writes");
    let tenants: Vec<Tenant> = (0..count + 2).map(|number| stage.tenant(number)).collect();
    stage.set_ups_are_killed(&tenants, &whole);
    let (last, asked) = tenants.split_last().unwrap();
    assert_ne!(last.stores(), last.before, "its stores were switched on");
    stage.leases_run_out(std::slice::from_ref(last));
    let put_back = eventually(SOON, || (last.stores() == last.before).then_some(()));
    assert!(put_back.is_some(), "{}", stage.installation.logs());
    stage.leases_run_out(asked);
    let tokens: Vec<String> = tenants.iter().map(|tenant| stage.enable(tenant)).collect();
    for (tenant, token) in tenants.iter().zip(&tokens) {
        stage.stands(tenant, &whole, token, "ada@acme.test");
    }
    stage.repairs_are_killed(&tenants[..count]);
    for (tenant, token) in tenants.iter().zip(&tokens) {
        stage.stands(tenant, &whole, token, "eve@acme.test");
        stage.console.disable_inbound(&tenant.slug);
        assert_eq!(tenant.stores(), tenant.before, "{}", tenant.slug);
    }
}
