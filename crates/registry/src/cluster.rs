//! Clusters: a host group with its own Keycloak, or none.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::{self, clock_sql};
use crate::{ClusterId, Db, Error};

/// A cluster.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Cluster {
    /// Its id.
    pub id: ClusterId,
    /// `identity-0`.
    pub name: String,
    /// Scheme and host under which its realms are reached, `https://identity-0.kevra.app`.
    pub public_host: String,
    /// The Keycloak behind it; none means embedded realms.
    pub keycloak_url: Option<String>,
}

/// Makes sure a cluster of this name exists with these addresses; configuration wins over what is stored.
pub async fn ensure(db: &Db, name: &str, public_host: &str, keycloak_url: Option<&str>) -> Result<Cluster, Error> {
    let text = format!(
        "insert into cluster (id, name, public_host, keycloak_url, created_at) values ($1, $2, $3, $4, {})
         on conflict (name) do update set public_host = excluded.public_host, keycloak_url = excluded.keycloak_url
         returning id, name, public_host, keycloak_url",
        clock_sql(db.connection())
    );
    let values = [Uuid::now_v7().into(), name.into(), public_host.into(), keycloak_url.map(str::to_owned).into()];
    db::one(db.connection(), &text, values).await?.ok_or(Error::NotFound("cluster"))
}

/// All of them, by name.
pub async fn list(db: &Db) -> Result<Vec<Cluster>, Error> {
    db::all(db.connection(), "select id, name, public_host, keycloak_url from cluster order by name", []).await
}

/// By name.
pub async fn by_name(db: &Db, name: &str) -> Result<Cluster, Error> {
    let text = "select id, name, public_host, keycloak_url from cluster where name = $1";
    db::one(db.connection(), text, [name.into()]).await?.ok_or(Error::NotFound("cluster"))
}

/// By id.
pub async fn by_id(db: &Db, id: ClusterId) -> Result<Cluster, Error> {
    let text = "select id, name, public_host, keycloak_url from cluster where id = $1";
    db::one(db.connection(), text, [id.0.into()]).await?.ok_or(Error::NotFound("cluster"))
}
