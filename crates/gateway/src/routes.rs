//! The whole URL space of the gateway, on one screen, below `/realms/{realm}/scim/v2`.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use directory::ahead::Ahead;
use directory::resource::Kind;
use registry::TenantId;
use registry::provisioner::Provisioner;
use scim::Error;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use crate::answer::Answer;
use crate::call::{Call, Notes};
use crate::limits::Room;
use crate::observe::{Ended, Observed};
use crate::provisioner::{self, Refused};
use crate::request::{self, Request};
use crate::{Deps, Gateway, Worker, bulk, discovery, groups, query, users};

/// A bulk request does the work of many; identity providers wait a minute for any answer.
const BULK_DEADLINE: Duration = Duration::from_secs(55);

/// Every request there is: authenticated first, then its body read, then worked on in its turn.
pub(crate) async fn entry(http: HttpRequest, payload: web::Payload, worker: web::Data<Worker>) -> HttpResponse {
    let gateway = &worker.gateway;
    let mut request = match Request::read(&http, &gateway.config) {
        Ok(request) => request,
        Err(error) => {
            Observed::begin(http.method().as_str(), None).end(&gateway.journal, &Ended::unknown(error.status));
            return Answer::from(error).into_http(false);
        }
    };
    let plain_json = request.plain_json;
    let observed = Observed::begin(http.method().as_str(), Some(&mut request));
    let (answer, ended) = match serve(request, payload, &worker).instrument(observed.span()).await {
        Ok((answer, tenant, notes)) => {
            let ended = Ended { status: answer.status, tenant, refused: None, notes, id: answer.id };
            (answer, ended)
        }
        Err(refused) => (provisioner::unauthorized(), Ended { refused: Some(refused), ..Ended::unknown(401) }),
    };
    observed.end(&gateway.journal, &ended);
    // The server leaves the body of a HEAD out, and says how long it is (RFC 9110 §9.3.2).
    answer.into_http(plain_json)
}

type Served = (Answer, Option<TenantId>, Notes);

/// A request that was let in and is to be worked on by the main runtime.
struct Admitted {
    request: Request,
    provisioner: Provisioner,
    ahead: Option<Ahead>,
}

/// Where a request has come to.
#[expect(clippy::large_enum_variant, reason = "moved once, by every request but those that change something")]
enum Progress {
    Done(Answer, Notes),
    Admitted(Box<Admitted>),
}

/// The answer and whose request it was, or why its credentials are refused. What only reads is done where it came in; what
/// may change something, or ask the realm, by the main runtime.
async fn serve(request: Request, payload: web::Payload, worker: &web::Data<Worker>) -> Result<Served, Refused> {
    let gateway = worker.gateway.clone();
    let deadline = if request.segments == ["Bulk"] { BULK_DEADLINE } else { gateway.config.deadline };
    let until = Instant::now() + deadline;
    let (calls, whose) = (realm::Calls::default(), Arc::new(OnceLock::new()));
    let begun = begin(worker.clone(), request, whose.clone(), until).in_current_span();
    let begun = match ended(until, || actix_web::rt::spawn(begun)).await {
        Ok(begun) => begun?,
        Err(answer) => Progress::Done(answer, Notes::default()),
    };
    let (answer, mut notes) = match begun {
        Progress::Done(answer, notes) => (answer, notes),
        Progress::Admitted(admitted) => match body(&gateway, &admitted, payload).await {
            Ok((body, room)) => {
                let runtime = gateway.deps.runtime.clone();
                let work = async move {
                    let done = in_turn(&gateway, &gateway.deps, &admitted, &body, until).await;
                    drop(room);
                    done
                };
                let work = calls.clone().hear(work).in_current_span();
                ended(until, || runtime.spawn(work)).await.unwrap_or_else(|answer| (answer, Notes::default()))
            }
            Err(answer) => (answer, Notes::default()),
        },
    };
    notes.asked = calls.so_far();
    Ok((answer, whose.get().copied(), notes))
}

/// Begins work and waits for it. The deadline answers; it does not stop the work half-way (a saga must end).
async fn ended<T>(until: Instant, begin: impl FnOnce() -> JoinHandle<T>) -> Result<T, Answer> {
    if Instant::now() >= until {
        return Err(Answer::unavailable());
    }
    match tokio::time::timeout_at(until, begin()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Error::plain(500, "something went wrong on our side").into()),
        Err(_) => Err(Answer::unavailable()),
    }
}

/// The body, and the room it takes until it has been worked on.
async fn body(gateway: &Gateway, admitted: &Admitted, payload: web::Payload) -> Result<(Value, Room), Answer> {
    let mut room = gateway.limits.room(admitted.provisioner.tenant);
    let body = if takes_body(&admitted.request) {
        request::body(&admitted.request, payload, &gateway.config, &mut room).await?
    } else {
        Value::Null
    };
    Ok((body, room))
}

/// Whose request it is, and whether it may be worked on; a read is worked on at once.
async fn begin(
    worker: web::Data<Worker>,
    request: Request,
    whose: Arc<OnceLock<TenantId>>,
    until: Instant,
) -> Result<Progress, Refused> {
    let refused = |answer: Answer| Ok(Progress::Done(answer, Notes::default()));
    let gateway = &worker.gateway;
    let (provisioner, ahead) = match provisioner::of(&worker.reads.db, &gateway.journal, &request).await {
        Ok(identified) => identified?,
        Err(answer) => return refused(answer),
    };
    let tenant = *whose.get_or_init(|| provisioner.tenant);
    if provisioner.frozen {
        return refused(Answer::unavailable());
    }
    if let Err(seconds) = gateway.limits.take(tenant, provisioner.requests_per_second) {
        return refused(Answer::too_many(seconds));
    }
    // As long as not everybody is taken in, a read asks the realm too, and the directory again.
    let reads = matches!(request.method, Method::GET | Method::HEAD) && !provisioner.importing;
    let ahead = ahead.filter(|_| reads);
    let admitted = Box::new(Admitted { request, provisioner, ahead });
    if !reads {
        return Ok(Progress::Admitted(admitted));
    }
    let (answer, notes) = in_turn(gateway, &worker.reads, &admitted, &Value::Null, until).await;
    Ok(Progress::Done(answer, notes))
}

/// Works on a request when its turn comes. Whoever is still sending a body takes none: a few slow ones would keep all others
/// of their tenant waiting.
async fn in_turn(gateway: &Gateway, deps: &Deps, admitted: &Admitted, body: &Value, until: Instant) -> (Answer, Notes) {
    let Some(_turn) = gateway.limits.turn(admitted.provisioner.tenant).await else {
        return (Answer::too_many(1), Notes::default());
    };
    // What was answered already does not begin any more.
    if Instant::now() >= until {
        return (Answer::unavailable(), Notes::default());
    }
    work(gateway, deps, admitted, body).await
}

async fn work(gateway: &Gateway, deps: &Deps, admitted: &Admitted, body: &Value) -> (Answer, Notes) {
    let Admitted { request, provisioner, ahead, .. } = admitted;
    let (types, notes) = (gateway.types.of(provisioner), Mutex::default());
    let call = Call { deps, provisioner, ahead: ahead.as_ref(), types: &types, request, notes: &notes };
    // Kept in its own place: all that goes round it, from thread to thread, stays small.
    let answer = Box::pin(dispatch(&call, body)).await;
    let notes = notes.into_inner().unwrap_or_else(PoisonError::into_inner);
    (answer, notes)
}

/// Whether an endpoint reads a body with this method; any other body is not looked at.
fn takes_body(request: &Request) -> bool {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match request.method {
        Method::POST => {
            matches!(segments.as_slice(), ["Users" | "Groups" | "Bulk" | ".search"] | ["Users" | "Groups", ".search"])
        }
        Method::PUT | Method::PATCH => matches!(segments.as_slice(), ["Users" | "Groups", _]),
        _ => false,
    }
}

/// What is done with a request whose token is alive.
pub(crate) async fn dispatch(call: &Call<'_>, body: &Value) -> Answer {
    use Kind::{Group, User};
    let segments: Vec<&str> = call.request.segments.iter().map(String::as_str).collect();
    let method = &call.request.method;
    let read = matches!(*method, Method::GET | Method::HEAD);
    let outcome = match (segments.as_slice(), method) {
        (["ServiceProviderConfig"], _) if read => discovery::service_provider_config(call),
        (["ResourceTypes"], _) if read => discovery::resource_types(call),
        (["ResourceTypes", name], _) if read => discovery::resource_type(call, name),
        (["Schemas"], _) if read => discovery::schemas(call),
        (["Schemas", urn], _) if read => discovery::schema(call, urn),
        (["ServiceProviderConfig" | "ResourceTypes" | "Schemas"] | ["ResourceTypes" | "Schemas", _], _) => {
            Ok(Answer::not_allowed("GET"))
        }

        (["Users", ".search"], &Method::POST) => query::search(call, User, body).await,
        (["Groups", ".search"], &Method::POST) => query::search(call, Group, body).await,
        ([".search"], &Method::POST) => query::root(call, Some(body)).await,
        ([".search"] | ["Users" | "Groups", ".search"], _) => Ok(Answer::not_allowed("POST")),
        ([], _) if read => query::root(call, None).await,
        ([], _) => Ok(Answer::not_allowed("GET")),

        (["Users"], _) if read => query::list(call, User).await,
        (["Users"], &Method::POST) => users::create(call, body).await,
        (["Users", id], _) if read => users::read(call, User, id).await,
        (["Users", id], &Method::PUT) => users::replace(call, id, body).await,
        (["Users", id], &Method::PATCH) => users::patch(call, id, body).await,
        (["Users", id], &Method::DELETE) => users::delete(call, id).await,

        (["Groups"], _) if read => query::list(call, Group).await,
        (["Groups"], &Method::POST) => groups::create(call, body).await,
        (["Groups", id], _) if read => users::read(call, Group, id).await,
        (["Groups", id], &Method::PUT) => groups::replace(call, id, body).await,
        (["Groups", id], &Method::PATCH) => groups::patch(call, id, body).await,
        (["Groups", id], &Method::DELETE) => groups::delete(call, id).await,

        (["Users" | "Groups"], _) => Ok(Answer::not_allowed("GET, POST")),
        (["Users" | "Groups", _], _) => Ok(Answer::not_allowed("GET, PUT, PATCH, DELETE")),

        (["Bulk"], &Method::POST) => bulk::run(call, body).await,
        (["Bulk"], _) => Ok(Answer::not_allowed("POST")),
        (["Me", ..], _) => Err(Error::plain(501, "a provisioning token is nobody's own: there is no /Me").into()),
        _ => Err(Error::plain(404, "there is nothing here").into()),
    };
    outcome.unwrap_or_else(|answer| answer)
}
