//! The least a dispatcher could do, as the floor a benchmark divides by: hint → claim → read → PATCH → acknowledge, two
//! commits for each push, no plan, no attempts, no fences.

use std::sync::Arc;

use registry::{Db, DbOptions};
use reqwest::Client;
use sea_orm::{ConnectionTrait, Statement, Value};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// What it reads and writes, beside the people of an embedded realm.
pub const TABLE: &str = "create table bare (tenant_id uuid not null, user_id uuid not null primary key,
    dirty bigint not null default 0, acked bigint not null default 0, lease_until bigint)";

const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";

#[derive(Clone)]
struct Loop {
    db: Db,
    http: Client,
    users: String,
}

/// Runs until its process is killed.
pub async fn run(database_url: &str, amqp_url: &str, users: &str, places: usize) {
    let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
    let db = Db::connect(&database_url.to_owned().into(), &DbOptions::default()).await.expect("the database");
    let http = Client::builder().no_proxy().build().expect("an HTTP client");
    let (mut hints, _) = bus::listening(amqp_url.to_owned().into(), &shutdown, &tracker);
    let (work, places) = (Loop { db, http, users: users.to_owned() }, Arc::new(Semaphore::new(places)));
    while let Some(hint) = hints.next().await {
        let place = places.clone().acquire_owned().await.expect("places stay");
        let work = work.clone();
        tracker.spawn(async move {
            work.push(hint.user).await;
            drop(place);
        });
    }
}

impl Loop {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the bare call")]
    async fn push(&self, user: Uuid) {
        let claim = format!(
            "update bare set lease_until = {NOW} + 15000000 where user_id = $1 and dirty > acked
                 and (lease_until is null or lease_until <= {NOW}) returning tenant_id, dirty"
        );
        let claimed = self.db.connection().query_one_raw(statement(&claim, [user.into()])).await.expect("a claim");
        let Some(claimed) = claimed else { return };
        let tenant: Uuid = claimed.try_get("", "tenant_id").expect("a tenant");
        let dirty: i64 = claimed.try_get("", "dirty").expect("a mark");
        let read = "select last_name from realm_person where tenant_id = $1 and id = $2";
        let read = statement(read, [tenant.into(), user.into()]);
        let person = self.db.connection().query_one_raw(read).await.expect("a read").expect("a person");
        let family: Option<String> = person.try_get("", "last_name").expect("a name");
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "name.familyName", "value": family }],
        });
        let request = self.http.patch(format!("{}/{user}", self.users)).json(&patch);
        let answer = request.send().await.expect("the sink answers");
        drop(answer.bytes().await);
        let acknowledge = "update bare set acked = greatest(acked, $2), lease_until = null where user_id = $1";
        let acknowledge = statement(acknowledge, [user.into(), dirty.into()]);
        self.db.connection().execute_raw(acknowledge).await.expect("an acknowledgement");
    }
}

fn statement<const N: usize>(text: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(sea_orm::DbBackend::Postgres, text, values)
}
