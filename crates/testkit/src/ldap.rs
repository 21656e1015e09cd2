//! A directory server of somebody's own: OpenLDAP's `slapd` with a few people, as a realm's user federation.

use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::free_port;
use crate::keycloak::Realm;
use crate::process::Process;
use crate::scratch::Scratch;

const SUFFIX: &str = "dc=acme,dc=test";
const ADMIN: &str = "cn=admin,dc=acme,dc=test";
const PASSWORD: &str = "ldap-password";

/// A running directory server.
pub struct Ldap {
    url: String,
    scratch: Scratch,
    _process: Process,
}

impl Default for Ldap {
    fn default() -> Self {
        let scratch = Scratch::default();
        std::fs::create_dir(scratch.file("data")).expect("a directory for the entries");
        let schemas =
            ["core", "cosine", "inetorgperson"].map(|name| format!("include /etc/ldap/schema/{name}.schema\n"));
        let schemas = schemas.concat();
        let config = format!(
            "{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix {SUFFIX}\nrootdn {ADMIN}\n\
             rootpw {PASSWORD}\ndirectory {}\n",
            scratch.file("data").display()
        );
        let config = scratch.write("slapd.conf", &config);
        let url = format!("ldap://127.0.0.1:{}", free_port());
        let mut command = Command::new("/usr/sbin/slapd");
        // In the foreground, so that it ends with the test.
        command.args(["-h", &url, "-d", "0", "-f"]).arg(config);
        let mut process = Process::start(&mut command, &scratch.file("slapd.log"));
        let server = url.trim_start_matches("ldap://").to_owned();
        process.wait_until(Duration::from_secs(30), "slapd", || std::net::TcpStream::connect(&server).is_ok());
        let ldap = Self { url, scratch, _process: process };
        let people = format!("ou=people,{SUFFIX}");
        ldap.change(&format!(
            "dn: {SUFFIX}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\no: Acme\ndc: acme\n\n\
             dn: {people}\nchangetype: add\nobjectClass: organizationalUnit\nou: people\n"
        ));
        ldap
    }
}

impl Ldap {
    /// Adds a person, whose password is the name.
    pub fn add(&self, uid: &str, given: &str, family: &str) {
        self.change(&format!(
            "dn: {}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {given} {family}\ngivenName: {given}\n\
             sn: {family}\nmail: {uid}@acme.test\nuserPassword: {uid}\n",
            dn(uid)
        ));
    }

    /// Gives a person another family name.
    pub fn rename(&self, uid: &str, family: &str) {
        self.change(&format!("dn: {}\nchangetype: modify\nreplace: sn\nsn: {family}\n", dn(uid)));
    }

    /// Makes it the user federation of a realm; the id of the federation there.
    pub fn federate(&self, realm: &Realm) -> String {
        let settings = [
            ("vendor", "other"),
            ("connectionUrl", self.url.as_str()),
            ("bindDn", ADMIN),
            ("bindCredential", PASSWORD),
            ("usersDn", "ou=people,dc=acme,dc=test"),
            ("usernameLDAPAttribute", "uid"),
            ("rdnLDAPAttribute", "uid"),
            ("uuidLDAPAttribute", "entryUUID"),
            ("userObjectClasses", "inetOrgPerson"),
            ("authType", "simple"),
            ("editMode", "READ_ONLY"),
            ("importEnabled", "true"),
            ("syncRegistrations", "false"),
            ("enabled", "true"),
        ];
        let config: serde_json::Map<String, Value> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        let component = json!({ "name": "ldap", "providerId": "ldap", "config": config,
            "providerType": "org.keycloak.storage.UserStorageProvider" });
        realm.admin(Method::POST, "/components", Some(&component));
        let found = realm.admin(Method::GET, "/components?type=org.keycloak.storage.UserStorageProvider", None);
        found[0]["id"].as_str().expect("the federation is there").to_owned()
    }

    fn change(&self, ldif: &str) {
        let file = self.scratch.write("change.ldif", ldif);
        let run = Command::new("ldapmodify")
            .args(["-x", "-H", &self.url, "-D", ADMIN, "-w", PASSWORD, "-f"])
            .arg(file)
            .stdin(Stdio::null())
            .output()
            .expect("ldapmodify runs");
        assert!(run.status.success(), "{ldif}: {}", String::from_utf8_lossy(&run.stderr));
    }
}

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{SUFFIX}")
}
