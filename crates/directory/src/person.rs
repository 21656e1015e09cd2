//! People of the embedded realm: the rows behind the stand-in for Keycloak. The program glues them to the realm crate.

use registry::{Db, TenantId, audit};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{Error, sql};

/// A person of an embedded realm.
#[derive(Clone, FromQueryResult)]
pub struct Person {
    /// The realm's id of the person.
    pub id: Uuid,
    /// Lower-cased, unique.
    pub username: String,
    /// Lower-cased, unique.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// May log in.
    pub enabled: bool,
    /// The identity provider's id.
    pub external_id: Option<String>,
    /// `tenant:nonce` of the create that made the person (K2).
    pub marker: Option<String>,
    /// Holds the realm role `scim-managed`.
    pub managed: bool,
    /// When it last changed, microseconds.
    pub changed_at: i64,
    /// When an operator, not SCIM, last saved it, microseconds (K26).
    pub touched_at: i64,
    /// Further attributes: a JSON object, name to text.
    pub attributes: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Person").field("id", &self.id).finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "id, username, email, first_name, last_name, enabled, external_id, marker, managed, changed_at, touched_at,
     attributes";

/// Adds a person; a taken username or e-mail is [`Error::Taken`]. An operator's leaves an audit entry.
pub async fn insert(db: &Db, tenant: TenantId, person: &Person, operator: Option<&str>) -> Result<(), Error> {
    let text = "insert into realm_person (tenant_id, id, username, email, first_name, last_name, enabled, external_id,
             marker, managed, changed_at, touched_at, attributes)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    put(db, tenant, person, text, operator.map(|operator| (operator, "realm_user.create"))).await.map(drop)
}

/// Replaces a person; says whether it existed. An operator's change leaves an audit entry.
pub async fn update(db: &Db, tenant: TenantId, person: &Person, operator: Option<&str>) -> Result<bool, Error> {
    let text = "update realm_person set username = $3, email = $4, first_name = $5, last_name = $6, enabled = $7,
             external_id = $8, marker = $9, managed = $10, changed_at = $11, touched_at = $12,
             attributes = $13
         where tenant_id = $1 and id = $2";
    put(db, tenant, person, text, operator.map(|operator| (operator, "realm_user.change"))).await
}

/// Writes a person; where somebody is to be named, with who did what, in one transaction.
async fn put(
    db: &Db,
    tenant: TenantId,
    person: &Person,
    text: &str,
    done: Option<(&str, &str)>,
) -> Result<bool, Error> {
    let Some((operator, action)) = done else {
        return Ok(sql::execute(db.connection(), text, values(tenant, person)).await? == 1);
    };
    let transaction = db.begin().await?;
    let outcome = async {
        let written = sql::execute(&transaction, text, values(tenant, person)).await? == 1;
        if written {
            let detail = serde_json::json!({ "user": person.id });
            audit::insert(&transaction, Some(tenant), operator, action, detail).await?;
        }
        Ok(written)
    }
    .await;
    crate::finish(transaction, outcome).await
}

/// Gives a person the role; says whether it exists.
pub async fn manage(db: &Db, tenant: TenantId, id: Uuid) -> Result<bool, Error> {
    let text = "update realm_person set managed = true where tenant_id = $1 and id = $2";
    Ok(sql::execute(db.connection(), text, [tenant.0.into(), id.into()]).await? == 1)
}

/// Ends the sessions of a person.
pub async fn end_sessions(db: &Db, tenant: TenantId, id: Uuid, at: i64) -> Result<bool, Error> {
    let text = "update realm_person set sessions_ended_at = $3 where tenant_id = $1 and id = $2";
    Ok(sql::execute(db.connection(), text, [tenant.0.into(), id.into(), at.into()]).await? == 1)
}

/// Removes a person; says whether it existed.
pub async fn delete(db: &Db, tenant: TenantId, id: Uuid) -> Result<bool, Error> {
    let text = "delete from realm_person where tenant_id = $1 and id = $2";
    Ok(sql::execute(db.connection(), text, [tenant.0.into(), id.into()]).await? == 1)
}

/// By the realm's id.
pub async fn by_id(db: &Db, tenant: TenantId, id: Uuid) -> Result<Option<Person>, Error> {
    let text = format!("select {COLUMNS} from realm_person where tenant_id = $1 and id = $2");
    sql::one(db.connection(), &text, [tenant.0.into(), id.into()]).await
}

/// By exact, lower-cased username.
pub async fn by_username(db: &Db, tenant: TenantId, username: &str) -> Result<Option<Person>, Error> {
    let text = format!("select {COLUMNS} from realm_person where tenant_id = $1 and username = $2");
    sql::one(db.connection(), &text, [tenant.0.into(), username.into()]).await
}

/// A page by username; `managed` asks for holders of the role only.
pub async fn page(db: &Db, tenant: TenantId, first: u32, max: u32, managed: bool) -> Result<Vec<Person>, Error> {
    let only = if managed { "and managed" } else { "" };
    let text =
        format!("select {COLUMNS} from realm_person where tenant_id = $1 {only} order by username limit $2 offset $3");
    sql::all(db.connection(), &text, [tenant.0.into(), i64::from(max).into(), i64::from(first).into()]).await
}

/// Who changed at or after a moment, oldest first.
pub async fn changed_since(db: &Db, tenant: TenantId, since: i64) -> Result<Vec<Person>, Error> {
    let text = format!(
        "select {COLUMNS} from realm_person where tenant_id = $1 and changed_at >= $2 order by changed_at, id limit 1000"
    );
    sql::all(db.connection(), &text, [tenant.0.into(), since.into()]).await
}

fn values(tenant: TenantId, person: &Person) -> [sea_orm::Value; 13] {
    [
        tenant.0.into(),
        person.id.into(),
        person.username.clone().into(),
        person.email.clone().into(),
        person.first_name.clone().into(),
        person.last_name.clone().into(),
        person.enabled.into(),
        person.external_id.clone().into(),
        person.marker.clone().into(),
        person.managed.into(),
        person.changed_at.into(),
        person.touched_at.into(),
        person.attributes.clone().into(),
    ]
}
