//! The drill: the database is restored to an earlier time, and what happened since is found again.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::scratch::Scratch;

use crate::{PROGRAM, front};

const WITHIN: Duration = Duration::from_secs(45);

#[test]
fn a_restored_database_finds_again_what_happened_since_and_makes_nobody_twice() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (downstream, realm, scratch) = (Fieldnotes::default(), Realm::default(), Scratch::default());
    let (console, mut control, mut gateway) = front(&installation);
    let mut dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let create = |name: &str| -> String {
        let body = json!({ "userName": name, "active": true, "name": { "familyName": "Before" } });
        let answer = testkit::http().post(&users).bearer_auth(&token).json(&body).send().unwrap();
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let arrives = |name: &str, what: &str, wanted: &dyn Fn(&Value) -> bool| {
        let there = || downstream.user(name).map(Value::Object).filter(|user| wanted(user));
        let ledger = || installation.database().ask("select row_to_json(l) from ledger l");
        assert!(eventually(WITHIN, there).is_some(), "{name}, {what}: {}\n{}", ledger(), installation.logs());
    };
    let (ada, carol) = (create("ada@acme.test"), create("carol@acme.test"));
    for name in ["ada@acme.test", "carol@acme.test"] {
        arrives(name, "before the backup", &|_| true);
    }
    let file = scratch.file("backup.dump");
    installation.database().dump(&file);

    // What the backup does not know: somebody new, somebody renamed, and somebody disabled while nothing of ours runs.
    let bob = create("bob@acme.test");
    arrives("bob@acme.test", "after the backup", &|_| true);
    realm.save_user(&ada, |user| user["lastName"] = json!("Lovelace"));
    arrives("ada@acme.test", "renamed", &|user| user["name"]["familyName"] == "Lovelace");
    for role in [&mut dispatcher, &mut gateway, &mut control] {
        assert!(role.process.stop(Duration::from_secs(30)).success());
    }
    realm.save_user(&carol, |user| user["enabled"] = json!(false));
    installation.database().restore(&file);
    assert!(installation.run(&["migrate"]).starts_with("0 migrations"), "the backup is of this version");
    for role in [&mut control, &mut gateway, &mut dispatcher] {
        role.restart();
    }
    installation.run(&["realm", "compare", "acme"]);

    arrives("carol@acme.test", "disabled meanwhile", &|user| user["active"] == false);
    arrives("ada@acme.test", "as the realm has her", &|user| user["name"]["familyName"] == "Lovelace");
    // Whom the directory had forgotten is in it again, under the same id.
    let found = eventually(WITHIN, || {
        let answer = testkit::http().get(format!("{users}/{bob}")).bearer_auth(&token).send().ok()?;
        answer.status().is_success().then_some(())
    });
    assert!(found.is_some(), "{}", installation.logs());
    realm.save_user(&bob, |user| user["lastName"] = json!("After"));
    arrives("bob@acme.test", "edited after the restore", &|user| user["name"]["familyName"] == "After");
    let settled =
        || (installation.database().ask("select count(*) from ledger where owed_seq > acked_seq") == "0").then_some(());
    assert!(eventually(WITHIN, settled).is_some(), "everything owed is delivered");
    assert_eq!(downstream.app().users().len(), 3, "{:?}", downstream.app().users());
    let held = realm.admin(Method::GET, &format!("/users/{ada}"), None);
    assert_eq!(held["lastName"], "Lovelace", "nothing goes back in time in the realm");
}
