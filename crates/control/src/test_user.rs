//! A test user on request: made, found, changed, deactivated and removed again at the downstream, each step shown.

use std::time::Instant;

use actix_web::{HttpResponse, web};
use downstream::{Client, Outcome, Remote};
use registry::audit;
use registry::target::Target;
use scim::Object;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::operator::Writer;
use crate::{Control, Problem, parked};

/// One call.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Step {
    operation: &'static str,
    status: Option<u16>,
    /// `ok`, or how it failed.
    class: &'static str,
    duration_ms: u64,
}

/// What came of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TestUser {
    steps: Vec<Step>,
    /// Everything a push needs has worked. A downstream that does not delete keeps a deactivated test user.
    ok: bool,
}

/// Push a test user to the downstream and take it away again.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/outbound/test-user", tag = "outbound",
    params(("tenant" = String, Path)), responses((status = 200, body = TestUser), (status = 409)),
    security(("bearer" = [])))]
pub(crate) async fn run(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let ran = control.run(async move {
        let (target, client) = parked::active(&deps, &writer.tenant).await?;
        let detail = json!({ "target": target.id.0 });
        audit::note(&deps.db, writer.tenant.id, &writer.actor, "outbound.test_user", detail).await?;
        Ok(Trial { client, target, steps: Vec::new() }.run().await)
    });
    Ok(HttpResponse::Ok().json(ran.await?))
}

struct Trial {
    client: Client,
    target: Target,
    steps: Vec<Step>,
}

impl Trial {
    async fn run(mut self) -> TestUser {
        let external_id = Uuid::new_v4();
        let mut user = person(external_id);
        let client = self.client.clone();
        let made = self.step("POST /Users", client.create(&user)).await;
        let made = made.and_then(|answer| answer.body.as_ref().and_then(Remote::read));
        let Some(made) = made else { return TestUser { steps: self.steps, ok: false } };
        let mut ok = true;
        if self.target.supports_filter {
            let begun = Instant::now();
            let found = client.find("externalId", &external_id.to_string()).await;
            let outcome = found.as_ref().err();
            let there = found.as_ref().is_ok_and(|found| found.iter().any(|remote| remote.id == made.id));
            let class = match outcome {
                Some(outcome) => outcome.class(),
                None if there => "ok",
                None => "not_found",
            };
            ok &= there;
            self.note("GET /Users", outcome.map_or(Some(200), Outcome::status), class, begun);
        }
        if self.target.supports_patch {
            let off = [json!({ "op": "replace", "path": "active", "value": false })];
            ok &= self.step("PATCH /Users/{id}", client.patch(&made.id, &off)).await.is_some();
        } else {
            user.insert("active".to_owned(), json!(false));
            ok &= self.step("PUT /Users/{id}", client.replace(&made.id, &user)).await.is_some();
        }
        self.step("DELETE /Users/{id}", client.delete(&made.id)).await;
        TestUser { steps: self.steps, ok }
    }

    async fn step(
        &mut self,
        operation: &'static str,
        call: impl Future<Output = Outcome>,
    ) -> Option<downstream::Answer> {
        let begun = Instant::now();
        let outcome = call.await;
        self.note(operation, outcome.status(), outcome.class(), begun);
        match outcome {
            Outcome::Ok(answer) => Some(answer),
            _ => None,
        }
    }

    fn note(&mut self, operation: &'static str, status: Option<u16>, class: &'static str, begun: Instant) {
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.steps.push(Step { operation, status, class, duration_ms });
    }
}

/// Nobody: an address of the name space that never resolves.
fn person(external_id: Uuid) -> Object {
    let name = format!("kevra-test-{}@example.invalid", &external_id.simple().to_string()[..12]);
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": external_id.to_string(), "userName": name, "active": true,
        "name": { "givenName": "Kevra", "familyName": "Test" },
        "emails": [{ "value": name, "type": "work", "primary": true }],
    });
    match person {
        Value::Object(person) => person,
        _ => Object::new(),
    }
}
