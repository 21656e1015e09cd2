//! People of an embedded realm, for the console's small page: what **Open Admin Console** opens without a Keycloak.

use actix_web::{HttpResponse, web};
use realm::{NewUser, Realm, RealmUser, UserChange, embedded::Embedded};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::operator::{RealmWriter, Writer};
use crate::{Control, Deps, Problem};

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
        let users = Realm::Embedded(embedded(&deps, &writer).await?).users(0, 1_000).await?;
        Ok(users.into_iter().map(Person::from).collect::<Vec<_>>())
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
    let made = control.run(async move { Ok(embedded(&deps, &writer).await?.add(&new).await?) });
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
    let saved = control.run(async move { Ok(embedded(&deps, &writer).await?.touch(user, &change).await?) });
    Ok(HttpResponse::Ok().json(Person::from(saved.await?)))
}

async fn embedded(deps: &Deps, writer: &RealmWriter) -> Result<Embedded, Problem> {
    match deps.realms.of(&writer.0).await? {
        Realm::Embedded(realm) => Ok(realm),
        Realm::Keycloak(_) => Err(Problem::NotFound("embedded realm")),
    }
}

/// Give the realm's data-path client another secret; nothing stops meanwhile.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/realm/rotate-secret", tag = "realm-users",
    params(("tenant" = String, Path)), responses((status = 204)), security(("bearer" = [])))]
pub(crate) async fn rotate_secret(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let done = control.run(async move {
        deps.realms.rotate_secret(&writer.tenant).await?;
        let (tenant, actor) = (writer.tenant.id, &writer.actor);
        Ok(registry::audit::note(&deps.db, tenant, actor, "realm.rotate_secret", serde_json::json!({})).await?)
    });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}
