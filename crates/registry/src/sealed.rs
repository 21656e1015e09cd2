//! Every sealed value of the registry, in batches: which keys they need, and wrapping them anew under the active key
//! while everything runs.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db;
use crate::seal::{Keyring, Sealed};
use crate::{Db, Error};

const BATCH: i64 = 200;

/// A column of sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Downstream tokens.
    DownstreamToken,
    /// Secrets of the realms' data path.
    RealmSecret,
}

impl Kind {
    /// Table, key and column.
    fn place(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::DownstreamToken => ("target", "id", "sealed_token"),
            Self::RealmSecret => ("realm_credential", "tenant_id", "sealed_secret"),
        }
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    sealed: Vec<u8>,
}

async fn batch(db: &Db, kind: Kind, after: Uuid) -> Result<Vec<Row>, Error> {
    let (table, key, column) = kind.place();
    let text =
        format!("select {key} as id, {column} as sealed from {table} where {key} > $1 order by {key} limit {BATCH}");
    db::all(db.connection(), &text, [after.into()]).await
}

/// How many values each key is needed for. A value that is none is counted under the empty id.
pub async fn keys(db: &Db, kind: Kind) -> Result<BTreeMap<String, u64>, Error> {
    let (mut keys, mut after) = (BTreeMap::new(), Uuid::nil());
    loop {
        let rows = batch(db, kind, after).await?;
        let Some(last) = rows.last() else { return Ok(keys) };
        after = last.id;
        for row in rows {
            *keys.entry(Sealed(row.sealed).key_id().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
}

/// Wraps every value anew that is not under the active key; how many. A value that changes meanwhile is left alone: whoever
/// changed it sealed it under the active key.
pub async fn rewrap(db: &Db, kind: Kind, keyring: &Keyring) -> Result<u64, Error> {
    let (table, key, column) = kind.place();
    let text = format!("update {table} set {column} = $3 where {key} = $1 and {column} = $2");
    let (mut wrapped, mut after) = (0, Uuid::nil());
    loop {
        let rows = batch(db, kind, after).await?;
        let Some(last) = rows.last() else { return Ok(wrapped) };
        after = last.id;
        for row in rows {
            let held = Sealed(row.sealed);
            if let Some(fresh) = keyring.rewrap(&held)? {
                wrapped += db::execute(db.connection(), &text, [row.id.into(), held.0.into(), fresh.0.into()]).await?;
            }
        }
    }
}
