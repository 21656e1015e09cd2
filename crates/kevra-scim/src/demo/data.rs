//! Where a demo keeps its data: a directory that goes with it, unless it is named or to be kept.

use std::path::{Path, PathBuf};

use anyhow::Context;
use registry::seal::Keyring;
use secrecy::{ExposeSecret, SecretString};

pub(super) struct Data {
    pub path: PathBuf,
    keep: bool,
}

impl Data {
    pub fn open(named: Option<PathBuf>, retain: bool) -> anyhow::Result<Self> {
        let keep = retain || named.is_some();
        let short = uuid::Uuid::new_v4().simple().to_string();
        let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("kevra-demo-{}", &short[..8])));
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path, keep })
    }

    /// The demo's own keyring, kept beside its data.
    pub fn keyring(&self) -> anyhow::Result<SecretString> {
        self.kept("keyring", || Ok(Keyring::generate_text()?))
    }

    /// The token Fieldnotes expects: the same for as long as a target may be stored with it.
    pub fn fieldnotes_token(&self) -> anyhow::Result<SecretString> {
        self.kept("fieldnotes-token", || Ok(format!("fieldnotes-{}", uuid::Uuid::new_v4().simple()).into()))
    }

    /// A secret as an earlier run left it, or a new one.
    fn kept(&self, name: &str, make: impl FnOnce() -> anyhow::Result<SecretString>) -> anyhow::Result<SecretString> {
        let file = self.path.join(name);
        if let Ok(text) = std::fs::read_to_string(&file) {
            return Ok(SecretString::from(text));
        }
        let text = make()?;
        write_private(&file, text.expose_secret())?;
        Ok(text)
    }

    /// What became of it, in words.
    pub fn close(&self) -> &'static str {
        if self.keep {
            return "kept";
        }
        drop(std::fs::remove_dir_all(&self.path));
        "removed"
    }
}

/// A demo that did not come up leaves nothing behind either.
impl Drop for Data {
    fn drop(&mut self) {
        self.close();
    }
}

/// Writes a file that is its owner's alone.
pub(super) fn write_private(file: &Path, content: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let open = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    let mut open = open.with_context(|| format!("{} cannot be written", file.display()))?;
    open.write_all(content.as_bytes())?;
    Ok(())
}
