//! A directory of a test's own, gone when dropped; kept where `KEVRA_TEST_KEEP` is set, to look into.

use std::path::{Path, PathBuf};

/// A temporary directory.
pub struct Scratch(PathBuf);

impl Default for Scratch {
    fn default() -> Self {
        let path = std::env::temp_dir().join(crate::unique("kevra-test-scratch"));
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }
}

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, content).expect("a file for the test");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os("KEVRA_TEST_KEEP").is_none() {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }
}
