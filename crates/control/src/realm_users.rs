//! People of an embedded realm, for the console's small page: what **Open Admin Console** opens without a Keycloak.

use actix_web::{HttpResponse, web};
use directory::ledger;
use directory::watch::{self, Seen};
use realm::{NewUser, Reading, Realm, RealmEvent, RealmUser, UserChange, embedded::Embedded};
use registry::tenant::Tenant;
use registry::{Db, TenantId, credential};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::operator::{RealmWriter, Writer};
use crate::{Control, Deps, Problem, Realms};

/// How far back an edit of just now is looked for, milliseconds.
const RECENT_MS: i64 = 5_000;

/// A person.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Person {
    id: Uuid,
    username: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    enabled: bool,
}

impl From<RealmUser> for Person {
    fn from(user: RealmUser) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            enabled: user.enabled,
        }
    }
}

/// A person to make or to change; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavePerson {
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
}

/// List the people of an embedded realm.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/realm-users", tag = "realm-users",
    params(("tenant" = String, Path)), responses((status = 200, body = [Person])), security(("bearer" = [])))]
pub(crate) async fn list(writer: RealmWriter, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let people = control.run(async move {
        let users = Realm::Embedded(embedded(&deps, &writer.tenant).await?).users(0, 1_000).await?;
        Ok(users.entries.into_iter().map(Person::from).collect::<Vec<_>>())
    });
    Ok(HttpResponse::Ok().json(people.await?))
}

/// Make a person, as an administrator would.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/realm-users", tag = "realm-users",
    params(("tenant" = String, Path)), request_body = SavePerson, responses((status = 201, body = Person)),
    security(("bearer" = [])))]
pub(crate) async fn create(
    writer: RealmWriter,
    body: web::Json<SavePerson>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let username = body.username.filter(|name| !name.trim().is_empty());
    let username = username.ok_or_else(|| Problem::Field { field: "username", reason: "it is needed".to_owned() })?;
    let new = NewUser {
        username,
        email: body.email,
        first_name: body.first_name,
        last_name: body.last_name,
        enabled: body.enabled.unwrap_or(true),
        external_id: None,
        marker: String::new(),
        attributes: std::collections::BTreeMap::new(),
    };
    let deps = control.deps.clone();
    let made = control.run(async move {
        let realm = embedded(&deps, &writer.tenant).await?;
        let made = realm.add(&new, &writer.actor).await?;
        tell(&deps, writer.tenant.id, realm, &made).await;
        Ok(made)
    });
    Ok(HttpResponse::Created().json(Person::from(made.await?)))
}

/// Save a person, as an administrator would: counts as a touch even if nothing changes.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}/realm-users/{user}", tag = "realm-users",
    params(("tenant" = String, Path), ("user" = Uuid, Path)), request_body = SavePerson,
    responses((status = 200, body = Person)), security(("bearer" = [])))]
pub(crate) async fn change(
    writer: RealmWriter,
    path: web::Path<(String, Uuid)>,
    body: web::Json<SavePerson>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let text = |value: Option<String>| value.map(|value| Some(value).filter(|value| !value.is_empty()));
    let change = UserChange {
        username: body.username.filter(|name| !name.is_empty()),
        email: text(body.email),
        first_name: text(body.first_name),
        last_name: text(body.last_name),
        enabled: body.enabled,
        ..UserChange::default()
    };
    let (deps, user) = (control.deps.clone(), path.1);
    let saved = control.run(async move {
        let realm = embedded(&deps, &writer.tenant).await?;
        let saved = realm.touch(user, &change, &writer.actor).await?;
        tell(&deps, writer.tenant.id, realm, &saved).await;
        Ok(saved)
    });
    Ok(HttpResponse::Ok().json(Person::from(saved.await?)))
}

/// Tells the dispatcher at once, as Keycloak's listener does; the poll then finds the same event taken. What goes wrong here
/// costs a poll's time.
async fn tell(deps: &Deps, tenant: TenantId, realm: Embedded, user: &RealmUser) {
    let told = async {
        if !watch::is_needed(&deps.db, tenant).await? {
            return Ok(());
        }
        let now = ledger::now(&deps.db).await? / 1_000;
        let changes = Realm::Embedded(realm).changes(&Reading::since(now - RECENT_MS), &[]).await?;
        for event in changes.events.into_iter().filter(|event| event.user == user.id) {
            let RealmEvent { id, at_ms, user: saved, touch, deleted, roles } = event;
            let event = Seen { id, user: saved, at_ms, touch, deleted, roles };
            if watch::take(&deps.db, tenant, &event).await? {
                deps.ring(tenant, saved, !user.enabled);
            }
        }
        Ok::<(), Problem>(())
    };
    if let Err(error) = told.await {
        tracing::info!(
            name = "hint.untold",
            %error,
            tenant.id = %tenant,
            "the dispatcher hears of an edit by its poll",
        );
    }
}

async fn embedded(deps: &Deps, tenant: &Tenant) -> Result<Embedded, Problem> {
    match deps.realms.of(tenant).await? {
        Realm::Embedded(realm) => Ok(realm),
        Realm::Keycloak(_) => Err(Problem::NotFound("embedded realm")),
    }
}

/// Give the realm's data-path client another secret; nothing stops meanwhile.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/realm/rotate-secret", tag = "realm-users",
    params(("tenant" = String, Path)), responses((status = 204), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn rotate_secret(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let done = control.run(async move { replace_secret(&deps.db, &*deps.realms, &writer.tenant, &writer.actor).await });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a realm's data-path client another secret. A realm of Keycloak that was never set up has none to replace.
pub async fn replace_secret(db: &Db, realms: &dyn Realms, tenant: &Tenant, actor: &str) -> Result<(), Problem> {
    if tenant.keycloak_url.is_some() && credential::of(db, tenant.id).await?.is_none() {
        return Err(Problem::NotEnabled);
    }
    Ok(realms.rotate_secret(tenant, actor).await?)
}
