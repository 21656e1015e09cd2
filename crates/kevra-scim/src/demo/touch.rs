//! An administrator's hand in the demo's realm: by the console's own page where the realm is embedded, by the Admin API where
//! it is in a Keycloak.

use anyhow::{Context, bail};
use realm::keycloak::{Client, Connection, Server};
use realm::{Realm, UserChange};
use serde_json::{Value, json};

use super::Prerequisite;
use super::play::{asked, http, text};
use super::ready::Ready;
use crate::env::{self, Environment};
use crate::settings;

/// Toggles a person in the realm, as an administrator would.
pub(super) async fn touch(ready: &Ready, user: &str, environment: &Environment) -> anyhow::Result<()> {
    let (name, enabled) = match &ready.keycloak_url {
        None => in_embedded(ready, user).await?,
        Some(url) => in_keycloak(ready, url, user, environment).await?,
    };
    println!("{name} is {} now", if enabled { "enabled" } else { "disabled" });
    Ok(())
}

/// Whether a person is meant by a username, or by the part before the @.
fn is_meant(username: &str, user: &str) -> bool {
    username == user || username.split('@').next() == Some(user)
}

async fn in_embedded(ready: &Ready, user: &str) -> anyhow::Result<(String, bool)> {
    let client = http()?;
    let (url, token) = (ready.tenant_url("/realm-users"), &ready.operator_token);
    let answer = asked(client.get(&url).bearer_auth(token)).await.context("is the demo still running?")?;
    let people: Value = answer.error_for_status()?.json().await?;
    let meant = |person: &&Value| is_meant(text(person, "username"), user);
    let person = people.as_array().into_iter().flatten().find(meant).with_context(|| format!("nobody is {user}"))?;
    let enabled = person.get("enabled") != Some(&json!(true));
    let url = format!("{url}/{}", text(person, "id"));
    let request = client.patch(url).bearer_auth(token).json(&json!({ "enabled": enabled }));
    asked(request).await?.error_for_status()?;
    Ok((text(person, "username").to_owned(), enabled))
}

/// With the credential the demo itself was given, which no file holds.
async fn in_keycloak(
    ready: &Ready,
    url: &str,
    user: &str,
    environment: &Environment,
) -> anyhow::Result<(String, bool)> {
    let admin = match settings::admin(environment)? {
        Some(admin) if admin.base_url == url => admin,
        _ => bail!(Prerequisite::new(
            "realm",
            format!("the demo's realm is in the Keycloak at {url}, and this terminal has no credential for it"),
            &format!(
                "set {}, {} and {} as for the demo, or edit people at {url}/admin/{}/console",
                env::KEYCLOAK_URL.name,
                env::KEYCLOAK_CLIENT_ID.name,
                env::KEYCLOAK_CLIENT_SECRET.name,
                ready.realm
            ),
        )),
    };
    let connection = Connection {
        base_url: admin.base_url,
        realm: ready.realm.clone(),
        token_realm: "master".to_owned(),
        client_id: admin.client_id,
        client_secret: admin.client_secret,
        identity: None,
        timeout: realm::CALL,
    };
    let realm = Realm::Keycloak(Client::new(connection, Server::default())?);
    let people = realm.users(0, 1_000).await?;
    let person = people.entries.into_iter().find(|person| is_meant(&person.username, user));
    let person = person.with_context(|| format!("nobody is {user}"))?;
    let enabled = !person.enabled;
    let change = UserChange { enabled: Some(enabled), ..UserChange::default() };
    realm.write(realm.read(person.id).await?, &change).await?;
    Ok((person.username, enabled))
}

/// Three people who were in the realm before SCIM came.
pub(super) async fn people(ready: &Ready) -> anyhow::Result<()> {
    let (client, url) = (http()?, ready.tenant_url("/realm-users"));
    for (name, first, last) in
        [("grace", "Grace", "Hopper"), ("alan", "Alan", "Turing"), ("barbara", "Barbara", "Liskov")]
    {
        let email = format!("{name}@acme.test");
        let body = json!({ "username": email, "email": email, "first_name": first, "last_name": last });
        asked(client.post(&url).bearer_auth(&ready.operator_token).json(&body)).await?;
    }
    Ok(())
}
