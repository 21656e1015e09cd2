//! Every setting that is wrong is named, in words of its own, with exit code 64; nothing is started.

use std::collections::BTreeMap;
use std::process::Command;

use kevra_scim::env::VARIABLES;

const KEYRING: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Settings under which everything is usable.
fn usable() -> BTreeMap<String, String> {
    let pairs = [
        ("DATABASE_URL", "postgres://kevra@db.test/kevra"),
        ("AMQP_URL", "amqps://kevra:secret@broker.test"),
        ("KEVRA_SEAL_KEYRING", KEYRING),
        ("KEVRA_REALM_KEYRING", KEYRING),
        ("KEVRA_JWT_ISSUER", "https://console.test"),
        ("KEVRA_JWKS", "https://console.test/jwks.json"),
        ("KEYCLOAK_URL", "https://keycloak.test"),
        ("KEYCLOAK_CLIENT_ID", "kevra"),
        ("KEYCLOAK_CLIENT_SECRET", "s3cret"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn check(settings: &BTreeMap<String, String>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kevra-scim"));
    let output = command.args(["check", "all"]).env_clear().envs(settings).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// What is wrong, and a part of what is said about it.
const WRONG: &[(&str, &str, &str)] = &[
    ("DATABASE_URL", "mysql://db.test", "postgres://"),
    ("DATABASE_URL", "", "is not set"),
    ("DATABASE_MAX_CONNECTIONS", "0", "1 to 500"),
    ("DATABASE_MAX_CONNECTIONS", "many", "1 to 500"),
    ("AMQP_URL", "http://broker.test", "amqp://"),
    ("KEVRA_SEAL_KEYRING", "", "is not set"),
    ("KEVRA_SEAL_KEYRING", "no-colon", "colon"),
    ("KEVRA_SEAL_KEYRING", "a:c2hvcnQ=", "32 bytes"),
    ("KEVRA_REALM_KEYRING", "a:%%%", "base64"),
    ("KEVRA_CONTROL_LISTEN", "0.0.0.1", "address and port"),
    ("KEVRA_GATEWAY_LISTEN", "localhost", "address and port"),
    ("KEVRA_OPS_LISTEN", "0.0.0.0:99999", "address and port"),
    ("KEVRA_JWT_ISSUER", "", "is not set"),
    ("KEVRA_JWT_ISSUER", "two words", "one word"),
    ("KEVRA_JWT_AUDIENCE", "two words", "one word"),
    ("KEVRA_JWKS", "", "is not set"),
    ("KEVRA_JWKS", "http://console.test/jwks.json", "https URL or a file"),
    ("KEVRA_JWKS", "/no/such/file", "https URL or a file"),
    ("KEYCLOAK_URL", "keycloak.test", "https://"),
    ("KEYCLOAK_CLIENT_ID", "", "is not set"),
    ("KEYCLOAK_CLIENT_ID", "two words", "one word"),
    ("KEYCLOAK_CLIENT_SECRET", "", "is not set"),
    ("KEYCLOAK_CLIENT_SECRET", "two words", "one word"),
    ("KEVRA_CLUSTER_CREDENTIALS", "eu-1=kevra", "cluster=client_id:secret"),
    ("KEVRA_TRUSTED_PROXIES", "10.0.0.0/33", "network"),
    ("KEVRA_DOWNSTREAM_PORTS", "443,http", "port number"),
    ("KEVRA_DOWNSTREAM_CA", "no certificate", "PEM"),
    ("KEVRA_CONSOLE_ORIGINS", "console.test", "origin"),
    ("KEVRA_CONSOLE_ORIGINS", "https://console.test/page", "origin"),
    ("KEVRA_CONSOLE_DIR", "/no/such/directory", "index.html"),
    ("KEVRA_SUPPORT_URL", "javascript:alert(1)", "https:// or mailto:"),
    ("KEVRA_ACTIVITY_DAYS", "0", "1 to 3650"),
    ("KEVRA_DEVELOPMENT", "perhaps", "true or false"),
    ("KEVRA_LOG", "a=b=c", "tracing filter"),
    ("KEVRA_LOG_FORMAT", "xml", "json or text"),
];

#[test]
fn good_settings_are_usable() {
    assert_eq!(check(&usable()), (Some(0), String::new()));
}

#[test]
fn every_wrong_setting_is_named_in_words_of_its_own() {
    for variable in VARIABLES {
        assert!(WRONG.iter().any(|(name, ..)| *name == variable.name), "{} is never wrong here", variable.name);
    }
    for (name, value, said) in WRONG {
        let mut settings = usable();
        settings.insert((*name).to_owned(), (*value).to_owned());
        let (code, text) = check(&settings);
        assert_eq!(code, Some(64), "{name}={value}: {text}");
        assert!(text.contains(&format!("{name} is not")) && text.contains(said), "{name}={value}: {text}");
        assert_eq!(text.lines().count(), 1, "{name}={value}: {text}");
        assert!(value.len() < 2 || !text.contains(value), "{name}: the value may be a secret: {text}");
    }
}

#[test]
fn every_setting_may_come_from_a_file_that_must_be_readable_and_alone() {
    for variable in VARIABLES {
        let (name, file) = (variable.name, format!("{}_FILE", variable.name));
        let mut settings = usable();
        settings.remove(name);
        settings.insert(file.clone(), "/no/such/file".to_owned());
        let (code, text) = check(&settings);
        assert_eq!(code, Some(64), "{name}: {text}");
        assert!(text.contains(&format!("{file} cannot be read")), "{name}: {text}");
        settings.insert(name.to_owned(), "something".to_owned());
        let (code, text) = check(&settings);
        assert_eq!(code, Some(64), "{name}: {text}");
        assert!(text.contains(&format!("{name} and {file} are both set")), "{name}: {text}");
    }
    let scratch = testkit::scratch::Scratch::default();
    let mut settings = usable();
    for (name, value) in usable() {
        settings.remove(&name);
        let file = scratch.write(&name, &format!("{value}\n"));
        settings.insert(format!("{name}_FILE"), file.display().to_string());
    }
    assert_eq!(check(&settings), (Some(0), String::new()));
}

#[test]
fn a_name_that_is_none_of_ours_is_refused() {
    let mut settings = usable();
    settings.insert("KEVRA_GATEWAY_LISTN".to_owned(), "0.0.0.0:8081".to_owned());
    let (code, text) = check(&settings);
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("KEVRA_GATEWAY_LISTN is not a setting"), "{text}");
}

#[test]
fn a_role_that_lacks_a_setting_does_not_start() {
    for role in ["control", "gateway", "dispatcher", "all", "migrate"] {
        let output = Command::new(env!("CARGO_BIN_EXE_kevra-scim")).arg(role).env_clear().output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{role}: {text}");
        assert!(text.contains("DATABASE_URL is not set"), "{role}: {text}");
    }
}
