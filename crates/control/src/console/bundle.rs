//! The built console, read whole at start: whatever is asked for afterwards is looked up by name among what was read, so
//! no path can lead out of the directory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

/// The page itself.
pub(super) const INDEX: &str = "index.html";
/// Where the files are whose names change with their content.
pub(super) const HASHED: &str = "assets/";

/// The files of a built console.
#[derive(Clone, Default)]
pub struct Bundle(Arc<HashMap<String, File>>);

/// One file.
pub(super) struct File {
    pub content: Bytes,
    /// The same, compressed, where the build left it beside the file.
    pub gzip: Option<Bytes>,
    pub content_type: &'static str,
    /// Changes with the content.
    pub tag: String,
}

impl Bundle {
    /// Reads what `npm run build` left in a directory; `None` where there is no page in it.
    ///
    /// # Errors
    /// If a file of the bundle cannot be read.
    pub fn load(directory: &Path) -> std::io::Result<Option<Self>> {
        if !directory.join(INDEX).is_file() {
            return Ok(None);
        }
        let mut found = HashMap::new();
        for folder in ["", HASHED] {
            read(directory, folder, &mut found)?;
        }
        let mut files = HashMap::new();
        for (name, content) in &found {
            let Some(content_type) = content_type(name) else { continue };
            let gzip = found.get(&format!("{name}.gz")).cloned();
            let tag = hex::encode(&Sha256::digest(content)[..12]);
            files.insert(name.clone(), File { content: content.clone(), gzip, content_type, tag });
        }
        Ok(Some(Self(Arc::new(files))))
    }

    /// A file by its name below the directory, with `/` between folders.
    pub(super) fn file(&self, name: &str) -> Option<&File> {
        self.0.get(name)
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Bundle({} files)", self.0.len())
    }
}

fn read(directory: &Path, folder: &str, files: &mut HashMap<String, Bytes>) -> std::io::Result<()> {
    let path = directory.join(folder);
    if !path.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // A link is not followed: the bundle has none.
        if !entry.file_type()?.is_file() {
            continue;
        }
        if let Ok(name) = entry.file_name().into_string() {
            files.insert(format!("{folder}{name}"), std::fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

/// What the build makes, and nothing else that may lie beside it.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}
