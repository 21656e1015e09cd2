//! What a demo says when it is up: a page for a person, one line of JSON for anybody else.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use super::ready::Ready;

/// Which parts a demo runs on.
pub(super) struct Facts {
    pub migrated: usize,
    pub sqlite: bool,
    pub amqp: bool,
}

pub(super) fn announce(ready: &Ready, facts: &Facts, place: &Path, code: &str) {
    let doorbell = if facts.amqp { "RabbitMQ" } else { "in-process" };
    let realm = if ready.keycloak_url.is_some() { "Keycloak" } else { "embedded" };
    if !std::io::stdout().is_terminal() {
        // Whoever reads a pipe keeps it: no token and no sign-in code.
        let line = json!({
            "event": "ready", "control_url": ready.control_url, "gateway_url": ready.gateway_url,
            "ops_url": ready.ops_url, "scim_base_url": ready.scim_base_url, "downstream_url": ready.downstream_url,
            "database": if facts.sqlite { "SQLite" } else { "PostgreSQL" }, "doorbell": doorbell, "realm": realm,
        });
        println!("{line}");
        return;
    }
    let database = if facts.sqlite { format!("SQLite, {}", place.display()) } else { "PostgreSQL".to_owned() };
    println!(
        "
  kevra-scim {version}   demo: everything on 127.0.0.1, not for production

  \u{2713} database     {database}
  \u{2713} migrations   {migrated} applied
  \u{2713} doorbell     {doorbell}
  \u{2713} realm        {realm}, realm \"{name}\"
  \u{2713} downstream   sample SCIM app \"Fieldnotes\", {downstream}
  \u{2713} control      {control}
  \u{2713} gateway      {gateway}
  \u{2713} dispatcher   listening to the doorbell, sweeping the ledger

  Open      {console}#code={code}     signs you in once, 10 min; another: scripts/demo link
  API docs  {control}/docs/api

  Try it, from a second terminal
    1  In the page: enable inbound SCIM, copy the token.
    2  scripts/demo okta TOKEN      plays Okta's requests: create, update, deactivate, re-activate
    3  In the page: enable outbound SCIM; the form is filled in with Fieldnotes.
    4  scripts/demo touch {somebody:9} {touched}
  Or start with --play to see both directions at once. Ctrl-C stops everything.
",
        version = env!("CARGO_PKG_VERSION"),
        migrated = facts.migrated,
        name = ready.realm,
        downstream = ready.downstream_url,
        control = ready.control_url,
        gateway = ready.scim_base_url,
        console = ready.console_url,
        somebody = ready.somebody(),
        touched = match &ready.keycloak_url {
            None => "toggles Grace in the realm".to_owned(),
            Some(url) => format!("toggles Ada in Keycloak; or edit people at {url}/admin/{}/console", ready.realm),
        },
    );
}
