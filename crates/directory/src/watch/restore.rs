//! How a realm's event stores were before capture, to be put back when nobody needs them (K25).

use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::NEEDED;
use crate::{Error, sql};

/// Remembers how a realm's event stores were before capture, in words that have its UUID among them; what was remembered of
/// a realm first stays (K25).
pub async fn remember_events(db: &Db, tenant: TenantId, realm: Uuid, before: &str) -> Result<(), Error> {
    let text = "update realm_watch
         set events_before = case when events_before like $3 then events_before else $2 end where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into(), before.into(), format!("%{realm}%").into()]).await?;
    Ok(())
}

/// How a realm's event stores were before capture, if neither direction needs capture any more (K25).
pub async fn to_restore(db: &Db, tenant: TenantId) -> Result<Option<String>, Error> {
    #[derive(FromQueryResult)]
    struct Before {
        events_before: Option<String>,
    }
    let text = format!("select w.events_before from realm_watch w where w.tenant_id = $1 and not ({NEEDED})");
    let row: Option<Before> = sql::one(db.connection(), &text, [tenant.0.into()]).await?;
    Ok(row.and_then(|row| row.events_before))
}

/// The event stores are as they were.
pub async fn restored(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let text = "update realm_watch set events_before = null where tenant_id = $1";
    sql::execute(db.connection(), text, [tenant.0.into()]).await?;
    Ok(())
}
