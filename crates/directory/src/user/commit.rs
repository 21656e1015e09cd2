//! The end of a write: document, columns and ledger mark at once, under the claim.

use registry::{Db, TenantId};
use scim::Object;
use scim::native::Native;
use sea_orm::{DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::{User, email_keys};
use crate::ledger::{self, Mark};
use crate::resource::{self, Kind, Resource};
use crate::writing::DOUBT;
use crate::{Error, finish_if, sql};

/// What a write leaves behind.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The document afterwards.
    pub document: &'a Object,
    /// Whether it differs: only then version and time move.
    pub changed: bool,
    /// May log in, afterwards.
    pub active: bool,
    /// The native fields as the realm returned them; none if the realm was not called.
    pub base: Option<&'a Native>,
    /// What the request has switched the user to, if it has: off means that its sessions have ended.
    pub switched: Option<bool>,
    /// W3C `traceparent` of the request.
    pub trace: Option<&'a str>,
}

/// A committed user as the database answers with it.
#[derive(FromQueryResult)]
struct Committed {
    version: i64,
    modified_at: i64,
    related: String,
}

/// Commits a write under its claim and marks the ledger, at once; answers with the user as it is read from now on. `None` if
/// the claim is no longer ours. Doubt about an earlier write stays: that one may still be on its way (K5).
pub async fn commit(db: &Db, tenant: TenantId, before: &User, commit: &Commit<'_>) -> Result<Option<Resource>, Error> {
    let (was, native) = (Native::of(&before.document), Native::of(commit.document));
    let (was_key, key) = (scim::key::username_key(&was.user_name), scim::key::username_key(&native.user_name));
    // Who lost a key to another (K6) does not ask for it again by a change of something else.
    // Whoever comes back does, having given it up meanwhile.
    let given_up = native.external_id.is_some() && before.external_key.is_none();
    let known_otherwise = was.external_id != native.external_id || (commit.switched == Some(true) && given_up);
    let renamed = was_key != key;
    let (connection, now) = (db.connection(), ledger::clock(db.connection()));
    let text = format!(
        "update directory_user set document = $4, version = version + $5,
             username_key = case when $13 then $6 else username_key end,
             external_key = case when $14 then $7 else external_key end,
             active = $8, base = $9, write_until = null, email_key = $11, other_email_keys = $12,
             logout_owed = logout_owed and not ($10 or $15 or coalesce(logout_epoch, 0) = write_epoch),
             scim_disabled_at = case when $10 then {now} when $15 then null else scim_disabled_at end,
             scim_enabled_at = case when $15 then {now} when $10 then null else scim_enabled_at end,
             modified_at = case when $5 = 0 then modified_at else {now} end
         where tenant_id = $1 and id = $2 and write_epoch = $3
         returning version, modified_at, {} as related",
        resource::related(connection, Kind::User, "directory_user", "$1")
    );
    let base = commit.base.unwrap_or(&before.base);
    let (email, others) = email_keys(commit.document, &native);
    let values = vec![
        tenant.0.into(),
        before.id.into(),
        before.write_epoch.into(),
        serde_json::to_string(commit.document)?.into(),
        i64::from(commit.changed).into(),
        key.into(),
        native.external_id.clone().into(),
        commit.active.into(),
        serde_json::to_string(base)?.into(),
        (commit.switched == Some(false)).into(),
        email.into(),
        others.into(),
        renamed.into(),
        known_otherwise.into(),
        (commit.switched == Some(true)).into(),
    ];
    let trace = commit.trace.map(str::to_owned);
    let mark = Mark { urgent: !commit.active, accepted: true, trace, ..Mark::default() };
    let committed: Option<Committed> = if !commit.changed && commit.base.is_none() {
        sql::one(connection, &text, values).await?
    } else if db.backend() == DbBackend::Postgres && !(known_otherwise && native.external_id.is_some()) {
        ledger::marked(connection, "", &text, values, &mark).await?
    } else {
        let transaction = db.begin().await?;
        let outcome: Result<_, Error> = async {
            if let Some(external_id) = native.external_id.as_deref().filter(|_| known_otherwise) {
                yielded(&transaction, tenant, before.id, external_id).await?;
            }
            let row = sql::one(&transaction, &text, values).await?;
            if row.is_some() {
                ledger::mark(&transaction, tenant, before.id, &mark).await?;
            }
            Ok(row)
        }
        .await;
        finish_if(transaction, outcome, Option::is_some).await?
    };
    let Some(row) = committed else { return Ok(None) };
    Ok(Some(Resource {
        id: before.id,
        document: commit.document.clone(),
        version: row.version,
        created_at: before.created_at,
        modified_at: row.modified_at,
        related: resource::read_related(&row.related)?,
    }))
}

/// Whoever is inactive gives an externalId up to who has it from now on: it is unique among active users alone.
async fn yielded(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    to: Uuid,
    external_id: &str,
) -> Result<(), Error> {
    let text = "update directory_user set external_key = null
         where tenant_id = $1 and external_key = $2 and id <> $3 and not active";
    sql::execute(transaction, text, [tenant.0.into(), external_id.into(), to.into()]).await?;
    Ok(())
}

/// A deactivation that the realm did not confirm: the directory has the user off all the same, as was wanted, because in
/// doubt it is the directory's word that is written back (K5), and that must not switch anybody on. The claim is left to
/// run out; `false` if it is no longer ours.
pub async fn off_in_doubt(db: &Db, tenant: TenantId, before: &User, trace: Option<&str>) -> Result<bool, Error> {
    let transaction = db.begin().await?;
    let claim = (before.id, before.write_epoch);
    let outcome = switch_off(&transaction, tenant, claim, before.document.clone(), trace).await;
    finish_if(transaction, outcome, |done| *done).await
}

/// Has a user off in the directory under its claim, with the realm in doubt about it, and the ledger marked; `false` if the
/// claim is no longer ours.
pub(super) async fn switch_off(
    transaction: &DatabaseTransaction,
    tenant: TenantId,
    (id, epoch): (Uuid, i64),
    mut document: Object,
    trace: Option<&str>,
) -> Result<bool, Error> {
    document.insert("active".to_owned(), serde_json::Value::Bool(false));
    let now = ledger::clock(transaction);
    let text = format!(
        "update directory_user set document = $4, active = false, version = version + 1, modified_at = {now},
             realm_doubt_until = {now} + {DOUBT}, scim_disabled_at = {now}, scim_enabled_at = null
         where tenant_id = $1 and id = $2 and write_epoch = $3"
    );
    let values = [tenant.0.into(), id.into(), epoch.into(), serde_json::to_string(&document)?.into()];
    if sql::execute(transaction, &text, values).await? == 0 {
        return Ok(false);
    }
    let mark = Mark { urgent: true, accepted: true, trace: trace.map(str::to_owned), ..Mark::default() };
    ledger::mark(transaction, tenant, id, &mark).await?;
    Ok(true)
}

/// Removes a user under its claim, takes it out of its groups and marks the ledger; `false` if the claim is no longer
/// ours.
pub async fn delete(db: &Db, tenant: TenantId, id: Uuid, epoch: i64, trace: Option<&str>) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Deleted {
        adopted: bool,
    }
    let transaction = db.begin().await?;
    let outcome = async {
        let text = "delete from directory_user where tenant_id = $1 and id = $2 and write_epoch = $3 returning adopted";
        let values = [tenant.0.into(), id.into(), epoch.into()];
        let Some(deleted) = sql::one::<Deleted>(&transaction, text, values).await? else { return Ok(false) };
        let groups = crate::member::forget(&transaction, tenant, id).await?;
        // That the realm has nobody then is our own doing, and no absence to be wondered about (K14).
        let mark = Mark { deleted: !deleted.adopted, trace: trace.map(str::to_owned), ..Mark::default() };
        ledger::mark(&transaction, tenant, id, &mark).await?;
        ledger::mark_groups(&transaction, tenant, &groups).await?;
        Ok(true)
    }
    .await;
    finish_if(transaction, outcome, |done| *done).await
}
