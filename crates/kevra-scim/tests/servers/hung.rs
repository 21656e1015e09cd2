//! Many realms hang at once, each with many requests: a tenant whose realm is well never waits for them, on the same
//! Keycloak or on another, and the process takes on no more than it can carry.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use testkit::faulty_keycloak::{Fault, FaultyKeycloak};
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::{eventually, servers};

use crate::scene::{SOON, patch};
use crate::{PROGRAM, front};

const HUNG: usize = 20;
/// Requests under way in each of them: more than one realm is called with at once.
const REQUESTS: usize = 12;
/// How long a request of a tenant takes whose realm is well, in the middle and at most: far below what one waits for a
/// realm that hangs, and without being an assertion about a busy machine.
const QUICK: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(7);
/// When whoever was refused asks again.
const AGAIN: Duration = Duration::from_secs(1);
/// Calls that one realm sees at once.
const PER_REALM: usize = 8;

/// A tenant with inbound on, and somebody in it.
struct Tenant {
    base: String,
    token: String,
    id: String,
    http: Client,
}

impl Tenant {
    fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap_or_default())
    }

    /// A create, a change and a read, none of them refused; how long each took.
    fn is_served(&self, number: usize) -> [Duration; 3] {
        let path = format!("/Users/{}", self.id);
        let requests = [
            (Method::POST, "/Users", json!({ "userName": format!("n{number}@acme.test") }), 201),
            (Method::PATCH, path.as_str(), patch("name.givenName", &json!(format!("Name {number}"))), 200),
            (Method::GET, path.as_str(), Value::Null, 200),
        ];
        let timed = |(method, path, body, wanted): (Method, &str, Value, u16)| {
            let begun = Instant::now();
            let (status, answer) = self.ask(method.clone(), path, &body);
            assert_eq!(status, wanted, "{method} {path}: {answer}");
            begun.elapsed()
        };
        requests.map(timed)
    }
}

#[test]
fn twenty_hung_realms_keep_nobody_else_waiting() {
    let keycloak = FaultyKeycloak::default();
    let mut installation = Installation::on_keycloak_at(PROGRAM, &keycloak.url());
    let [client, secret] =
        ["CLIENT_ID", "CLIENT_SECRET"].map(|name| servers::fact(&format!("KEVRA_TEST_KEYCLOAK_{name}")));
    installation.set("KEVRA_CLUSTER_CREDENTIALS", &format!("other={client}:{secret}"));
    let (console, _control, gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    let elsewhere = gateway.url.replace("127.0.0.1", "localhost");
    let url = servers::fact("KEVRA_TEST_KEYCLOAK_URL");
    installation.run(&["cluster", "set", "other", "--public-host", &elsewhere, "--keycloak-url", &url]);

    let http = testkit::http();
    let make = |slug: &str, cluster: &str, realm: &str| {
        let body = json!({ "slug": slug, "realm": realm, "cluster": cluster });
        let (status, made) = console.call(Method::POST, "/tenants", Some(&body));
        assert_eq!(status, 201, "{made}");
        let token = console.enable_inbound(slug);
        let host = if cluster == "other" { &elsewhere } else { &gateway.url };
        let base = format!("{host}/realms/{realm}/scim/v2");
        let mut tenant = Tenant { base, token, id: String::new(), http: http.clone() };
        let (status, made) = tenant.ask(Method::POST, "/Users", &json!({ "userName": format!("{slug}@acme.test") }));
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().clone_into(&mut tenant.id);
        tenant
    };
    let [well, far, many] = [0; 3].map(|_| Realm::default());
    let (beside, apart) = (make("beside", "default", well.name()), make("apart", "other", far.name()));
    // Realms by their names; behind the proxy there is one, because Keycloak makes realms slowly.
    let name = |number: usize| format!("{}-{number}", many.name());
    for number in 0..HUNG {
        keycloak.route(&name(number), many.name());
    }
    let hung: Vec<Tenant> = (0..HUNG).map(|number| make(&format!("hung-{number}"), "default", &name(number))).collect();

    let hangs = many.name().to_owned();
    let rule = keycloak.on(Fault::Swallow, move |call| call.path.contains(&hangs));
    // The dispatcher has something to look at in each of them, too.
    installation.database().ask(
        "update ledger set dirty_seq = dirty_seq + 1, triage_at = 0 where (tenant_id, user_id) in (
             select tenant_id, user_id from ledger for update skip locked)",
    );
    let (over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begun = Instant::now();
    let mut took = std::thread::scope(|scope| {
        for tenant in hung.iter().flat_map(|tenant| std::iter::repeat_n(tenant, REQUESTS)) {
            let (over, refused) = (&over, &refused);
            scope.spawn(move || {
                let change = patch("name.givenName", &json!("Hung"));
                while !over.load(Ordering::SeqCst) {
                    let (status, answer) = tenant.ask(Method::PATCH, &format!("/Users/{}", tenant.id), &change);
                    assert!(matches!(status, 503 | 429), "{status} {answer}");
                    refused.fetch_add(1, Ordering::SeqCst);
                    // Who is asked to come again comes again, as an identity provider does.
                    let _over = eventually(AGAIN, || over.load(Ordering::SeqCst).then_some(()));
                }
            });
        }
        rule.wait_for(HUNG);
        // While they find out, and after: longer than a call may take, so that every breaker has opened and been tried.
        let mut took = Vec::new();
        while begun.elapsed() < Duration::from_secs(20) {
            let number = took.len();
            took.extend(beside.is_served(number).into_iter().chain(apart.is_served(number)));
        }
        over.store(true, Ordering::SeqCst);
        took
    });
    took.sort_unstable();
    let (middle, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{} requests of healthy tenants, half of them within {middle:?}, all within {longest:?}", took.len());
    assert!(middle < QUICK && longest < LONGEST, "{middle:?}, {longest:?}");
    let (met, refused) = (rule.met(), refused.load(Ordering::SeqCst));
    println!("{refused} requests refused, {met} calls swallowed");
    // Gateway, dispatcher: each realm saw no more than its share while it was found out, and then one call now and then.
    assert!(met <= HUNG * (2 * PER_REALM + 8), "{met} calls went to realms that hang");
    // An edit in the realm that is well is followed.
    well.save_user(&beside.id, |user| user["lastName"] = json!("Edited"));
    let family =
        || beside.ask(Method::GET, &format!("/Users/{}", beside.id), &Value::Null).1["name"]["familyName"].clone();
    assert!(eventually(SOON, || (family() == "Edited").then_some(())).is_some(), "{}", installation.logs());
    // And when they answer again, they are served again by themselves.
    rule.lift();
    installation.database().ask("update directory_user set write_until = 0 where write_until is not null");
    for tenant in &hung {
        let change = patch("name.givenName", &json!("Well"));
        let served = || tenant.ask(Method::PATCH, &format!("/Users/{}", tenant.id), &change).0 == 200;
        assert!(eventually(SOON, || served().then_some(())).is_some(), "{}", installation.logs());
    }
}
