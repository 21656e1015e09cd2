//! What programs read: every command with `--output json`, on PostgreSQL, RabbitMQ and Keycloak. Each prints one JSON
//! document with the fields it promises, and a command that is not asked here fails the test.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::scratch::Scratch;

use crate::{PROGRAM, front};

const CLI: &str = include_str!("../../../../docs/integrate/cli.md");
/// What prints a document, completions or pages whatever the form, or serves until it is ended. The demo has its own tests.
const NO_ANSWER: [&str; 14] = [
    "control",
    "gateway",
    "dispatcher",
    "all",
    "demo",
    "demo link",
    "demo okta",
    "demo touch",
    "openapi",
    "healthcheck",
    "completions",
    "man",
    "reference",
    "environment",
];
const SOON: Duration = Duration::from_secs(40);

/// The commands that answer: `tenant` alone is none.
fn commands() -> BTreeSet<&'static str> {
    let all: Vec<&str> =
        CLI.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(" kevra-scim ")).collect();
    let parent =
        |name: &str| all.iter().any(|other| other.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    all.iter().filter(|name| !parent(name) && !NO_ANSWER.contains(name)).copied().collect()
}

struct Shell {
    installation: Installation,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl Shell {
    /// Runs a command, which succeeds or not, and reads everything it prints as one document.
    fn try_ask(&self, line: &str, input: &str) -> (bool, Value) {
        let known = commands();
        let command = known.iter().filter(|command| line.starts_with(**command)).max_by_key(|command| command.len());
        self.asked.borrow_mut().insert(command.unwrap_or_else(|| panic!("{line} is no command")));
        let arguments: Vec<&str> = line.split(' ').chain(["--output", "json"]).collect();
        let ended = self.installation.attempt_with(&arguments, input);
        let said = String::from_utf8_lossy(&ended.stdout);
        let errors = String::from_utf8_lossy(&ended.stderr);
        let read = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}\n{errors}"));
        (ended.status.success(), read)
    }

    /// Asks for fields: of the document, or of the first of a list, which has one.
    #[track_caller]
    fn ask(&self, line: &str, fields: &[&str]) -> Value {
        self.ask_with(line, "", fields)
    }

    #[track_caller]
    fn ask_with(&self, line: &str, input: &str, fields: &[&str]) -> Value {
        let (good, answer) = self.try_ask(line, input);
        assert!(good, "{line}: {answer}");
        let one = answer.as_array().map_or(&answer, |list| list.first().unwrap_or(&Value::Null));
        for field in fields {
            assert!(one.get(*field).is_some(), "{line}: no {field} in {answer}");
        }
        answer
    }

    /// Each finding has its three parts; whether all is well is the exit code.
    #[track_caller]
    fn doctor(&self, line: &str, well: bool) -> Vec<String> {
        let (good, found) = self.try_ask(line, "");
        let found = found.as_array().unwrap().clone();
        assert!(found.iter().all(|one| one["ok"].is_boolean() && one["says"].is_string()), "{found:?}");
        assert_eq!((good, found.iter().all(|one| one["ok"] == true)), (well, well), "{found:#?}");
        found.iter().map(|one| one["what"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn every_command_answers_in_json_on_real_parts() {
    let (realm, elsewhere, downstream) = (Realm::default(), Realm::default(), Fieldnotes::default());
    let installation = Installation::on_keycloak(PROGRAM);
    let (_console, _control, gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    let shell = Shell { installation, asked: RefCell::default() };
    an_installation(&shell);
    let token = a_tenant(&shell, &realm);
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let made = |name: &str| {
        let request = testkit::http().post(&users).bearer_auth(&token).json(&json!({ "userName": name }));
        let made: Value = request.send().unwrap().json().unwrap();
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let stranger = |name: &str| {
        let request = testkit::http().post(format!("{}/Users", downstream.url())).bearer_auth(downstream.token());
        let made: Value =
            request.json(&json!({ "userName": name, "displayName": "Stranger" })).send().unwrap().json().unwrap();
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let records = ["linked", "ignored", "drained"].map(stranger);
    let enabled = shell.ask_with(&format!("outbound enable acme {}", downstream.url()), downstream.token(), &[]);
    assert!(enabled.is_object() && !enabled.to_string().contains(downstream.token()), "{enabled}");
    let ids = ["linked", "ignored", "drained"].map(made);
    parked(&shell, &ids, &records[0]);
    backfills(&shell);
    let attempts = shell.ask("attempt ls acme --direction any", &["at", "direction", "operation", "class", "user_id"]);
    assert!(!attempts.to_string().contains("linked"), "nobody is named: {attempts}");
    shell.ask("held show acme", &["deactivations", "absences", "groups"]);
    for (line, noun) in [
        ("held confirm acme deactivations --yes", "users"),
        ("held confirm acme absences --yes", "users"),
        ("held confirm acme groups --yes", "groups"),
        ("held refuse acme --yes", "users"),
    ] {
        assert_eq!(shell.ask(line, &[noun])[noun], 0, "{line}");
    }
    the_end(&shell, &ids[1], &elsewhere);
    let asked = shell.asked.into_inner();
    assert_eq!(commands().difference(&asked).collect::<Vec<_>>(), Vec::<&&str>::new(), "never asked");
}

fn an_installation(shell: &Shell) {
    assert_eq!(shell.ask("migrate", &["applied"])["applied"], 0);
    for role in ["control", "gateway", "dispatcher", "all"] {
        shell.ask(&format!("check {role}"), &["done"]);
    }
    let clusters = shell.ask("cluster ls", &["name", "public_host", "keycloak_url"]);
    let host = clusters[0]["public_host"].as_str().unwrap();
    let url = clusters[0]["keycloak_url"].as_str().unwrap();
    shell.ask(&format!("cluster set default --public-host {host} --keycloak-url {url}"), &["name", "public_host"]);
    let looked = shell.doctor("doctor", true);
    for what in
        ["database", "schema", "broker", "operators", "keyrings", "cluster", "tenants", "downstreams", "changes"]
    {
        assert!(looked.iter().any(|seen| seen == what), "{what} is not among {looked:?}");
    }
}

/// A tenant with inbound on; its token.
fn a_tenant(shell: &Shell, realm: &Realm) -> String {
    let listed = ["slug", "realm", "cluster", "base_url"];
    shell.ask(&format!("tenant create acme --realm {}", realm.name()), &listed);
    shell.ask("tenant ls", &listed);
    shell.ask("tenant show acme", &["slug", "base_url"]);
    shell.ask("realm provision acme", &["done"]);
    shell.ask("tenant enable acme", &["token", "hint", "base_url"]);
    let token =
        shell.ask("tenant rotate acme --yes", &["token", "hint", "base_url"])["token"].as_str().unwrap().to_owned();
    assert!(!shell.ask("tenant show acme", &[]).to_string().contains(&token), "said once");
    let looked = shell.doctor("doctor acme", true);
    for what in ["realm", "tenant", "set-up", "data path", "import"] {
        assert!(looked.iter().any(|seen| seen == what), "{what} is not among {looked:?}");
    }
    // Somebody takes the client away; the doctor says so, and mends it.
    let clients = realm.admin(reqwest::Method::GET, "/clients?clientId=kevra-scim", None);
    let id = clients[0]["id"].as_str().unwrap_or_else(|| panic!("{clients}"));
    realm.admin(reqwest::Method::DELETE, &format!("/clients/{id}"), None);
    shell.doctor("doctor acme", false);
    shell.doctor("doctor acme --repair", true);
    shell.ask("realm rotate-secret acme", &["done"]);
    shell.ask("realm compare acme", &["done"]);
    shell.ask("seal rewrap", &["downstream_tokens", "realm_secrets"]);
    token
}

fn parked(shell: &Shell, ids: &[String; 3], record: &str) {
    let all = eventually(SOON, || {
        let (_, listed) = shell.try_ask("parked ls acme", "");
        listed.as_array().filter(|listed| listed.len() == ids.len()).cloned()
    });
    let all = all.unwrap_or_else(|| panic!("{}", shell.installation.logs()));
    for field in ["user_id", "kind", "reason", "status", "since", "attempts", "ignored"] {
        assert!(all[0].get(field).is_some(), "{field}: {all:?}");
    }
    let [linked, ignored, _] = ids;
    shell.ask(&format!("parked show acme {linked}"), &["user_id", "candidate"]);
    shell.ask(&format!("parked link acme {linked} {record}"), &["done"]);
    shell.ask(&format!("parked ignore acme {ignored}"), &["done"]);
    shell.ask(&format!("parked retry acme {ignored}"), &["done"]);
    assert!(shell.ask("parked drain acme --reason conflict --yes", &["retried"])["retried"].is_number());
}

fn backfills(shell: &Shell) {
    let fields =
        ["state", "dry_run", "started_at", "ended_at", "total", "seen", "creates", "updates", "in_step", "conflicts"];
    for verb in ["dry-run", "run"] {
        assert_eq!(shell.ask(&format!("backfill {verb} acme"), &fields)["dry_run"], verb == "dry-run");
        let ended = eventually(SOON, || {
            let status = shell.ask("backfill status acme", &fields);
            (status["state"] == "done").then_some(())
        });
        assert!(ended.is_some(), "{}", shell.installation.logs());
    }
    // One that goes on for as long as it is looked at: nobody works at it, nor ends what it began.
    for (verb, before, after) in
        [("pause", "running", "paused"), ("resume", "paused", "running"), ("cancel", "running", "cancelled")]
    {
        let held = "ended_at = null, lease_until = 9000000000000000, epoch = epoch + 1 where not dry_run";
        shell.installation.database().ask(&format!("update backfill set state = '{before}', {held}"));
        assert_eq!(shell.ask(&format!("backfill {verb} acme"), &fields)["state"], after);
    }
}

/// What takes things away.
fn the_end(shell: &Shell, id: &str, elsewhere: &Realm) {
    let rows = shell.ask(&format!("tenant erase-user acme {id} --dry-run"), &["user_id", "rows"]);
    assert_eq!(rows["user_id"], id);
    shell.ask("outbound disable acme --yes", &["done"]);
    shell.ask("tenant disable acme --yes", &["done"]);
    let scratch = Scratch::default();
    let file = scratch.file("acme.json");
    let exported = shell.ask("tenant export acme", &["slug"]);
    std::fs::write(&file, exported.to_string()).unwrap();
    assert_eq!(shell.ask(&format!("tenant apply {}", file.display()), &["slug", "applied"])["slug"], "acme");
    let moved = format!("tenant move acme --cluster default --realm {} --yes", elsewhere.name());
    assert_eq!(shell.ask(&moved, &["slug", "realm", "base_url"])["realm"], elsewhere.name());
    shell.ask("tenant delete acme --yes", &["done"]);
    assert_eq!(shell.ask("tenant ls", &[]), json!([]));
}
