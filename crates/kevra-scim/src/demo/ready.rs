//! The ready file: what a running demo is reached by, as JSON, for scripts and for the demo's own commands.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Prerequisite;
use super::data::write_private;

/// Where everything is, and the tokens to get in.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Ready {
    pub control_url: String,
    pub console_url: String,
    pub gateway_url: String,
    pub ops_url: String,
    pub tenant: String,
    pub realm: String,
    pub scim_base_url: String,
    pub operator_token: String,
    pub downstream_url: String,
    pub downstream_token: String,
    /// The Keycloak the realm is on; none for an embedded realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keycloak_url: Option<String>,
}

impl Ready {
    /// Where the newest demo writes it in any case.
    pub fn default_file() -> PathBuf {
        std::env::temp_dir().join("kevra-demo-ready.json")
    }

    /// Written beside, then renamed: a reader never sees half of it. It holds tokens, so it is the owner's alone.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let beside = file.with_extension(format!("tmp-{}", std::process::id()));
        write_private(&beside, &serde_json::to_string_pretty(self)?)?;
        std::fs::rename(&beside, file).with_context(|| format!("{} cannot be written", file.display()))
    }

    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let fix = "start one with scripts/demo, or name its --ready-file";
        let content = std::fs::read_to_string(file)
            .map_err(|_| Prerequisite::new("demo", format!("none is running: {} is not there", file.display()), fix))?;
        serde_json::from_str(&content).with_context(|| format!("{} is no ready file", file.display()))
    }

    /// Somebody to touch: Grace is in an embedded realm from the start, Ada comes over SCIM.
    pub fn somebody(&self) -> &'static str {
        if self.keycloak_url.is_some() { "ada" } else { "grace" }
    }

    /// A URL of the tenant in the control API.
    pub fn tenant_url(&self, path: &str) -> String {
        format!("{}/v1/tenants/{}{path}", self.control_url, self.tenant)
    }
}
