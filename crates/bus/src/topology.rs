//! Every exchange, queue and binding, in one place. Features of RabbitMQ 3.10, so that 3.10 to 4.x do.
//!
//! A direct exchange and a fixed number of quorum queues; the publisher computes the shard. Deactivations have queues of
//! their own. The dead-letter queue is only for messages that crash a consumer again and again, and comes first: without
//! it they would be held.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use uuid::Uuid;

pub(crate) const EXCHANGE: &str = "kevra.hints";
const DEAD_LETTERS: &str = "kevra.hints.dead";
const POISON: &str = "sync.poison";
const SHARDS: u128 = 8;
const DELIVERY_LIMIT: i32 = 5;

/// The queue of a user's hints; also the routing key.
pub(crate) fn queue_of(user: Uuid, urgent: bool) -> String {
    name(user.as_u128() % SHARDS, urgent)
}

/// All queues a dispatcher listens to, urgent first.
pub(crate) fn queues() -> impl Iterator<Item = (String, bool)> {
    [true, false].into_iter().flat_map(|urgent| (0..SHARDS).map(move |shard| (name(shard, urgent), urgent)))
}

fn name(shard: u128, urgent: bool) -> String {
    if urgent { format!("sync.urgent.{shard}") } else { format!("sync.{shard}") }
}

/// Declares everything; idempotent.
pub(crate) async fn declare(channel: &Channel) -> Result<(), lapin::Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    for exchange in [DEAD_LETTERS, EXCHANGE] {
        channel.exchange_declare(exchange.into(), ExchangeKind::Direct, durable, FieldTable::default()).await?;
    }
    let mut poison = quorum();
    poison.insert("x-max-length".into(), AMQPValue::LongInt(10_000));
    queue(channel, POISON, poison, DEAD_LETTERS).await?;
    for (name, _) in queues() {
        let mut arguments = quorum();
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
        arguments.insert("x-dead-letter-exchange".into(), text(DEAD_LETTERS));
        arguments.insert("x-dead-letter-routing-key".into(), text(POISON));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        queue(channel, &name, arguments, EXCHANGE).await?;
    }
    Ok(())
}

/// Where our listener publishes, and where the community's does by default.
const REALM_EVENTS: &str = "kevra.realm-events";
const COMMUNITY: &str = "amq.topic";
/// The queue of what Keycloak's listeners say.
pub(crate) const CAPTURE: &str = "kevra.capture";

/// Declares the queue for Keycloak's listeners; what does not fit is dropped from its head, because the poll carries it.
pub(crate) async fn declare_capture(channel: &Channel) -> Result<(), lapin::Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(REALM_EVENTS.into(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
    let mut arguments = quorum();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(100_000));
    arguments.insert("x-overflow".into(), text("drop-head"));
    channel.queue_declare(CAPTURE.into(), QueueDeclareOptions::durable(), arguments).await?;
    for (exchange, key) in [(REALM_EVENTS, "realm.#"), (COMMUNITY, "KK.EVENT.#")] {
        let binding = QueueBindOptions::default();
        channel.queue_bind(CAPTURE.into(), exchange.into(), key.into(), binding, FieldTable::default()).await?;
    }
    Ok(())
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable, exchange: &str) -> Result<(), lapin::Error> {
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await?;
    let binding = QueueBindOptions::default();
    channel.queue_bind(name.into(), exchange.into(), name.into(), binding, FieldTable::default()).await
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
