//! Publishing: persistent, mandatory, confirmed. Three separate switches, each of which loses messages when off.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation, Connection};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::session::{self, Ended};
use crate::{Hint, topology};

const CONFIRM: Duration = Duration::from_secs(4);

/// Publishes until something goes wrong. A hint whose confirm fails is not repeated: the sweeper rings.
pub(crate) async fn run(
    connection: &Connection,
    hints: &mut mpsc::Receiver<Hint>,
    connected: &AtomicBool,
    failures: &mut u32,
    shutdown: &CancellationToken,
) -> Result<(), Ended> {
    let channel = connection.create_channel().await?;
    tokio::time::timeout(CONFIRM * 3, topology::declare(&channel)).await.map_err(|_| Ended::TimedOut)??;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    session::up("publish", connected);
    *failures = 0;
    loop {
        let hint = tokio::select! {
            hint = hints.recv() => hint.ok_or(Ended::Shutdown)?,
            () = shutdown.cancelled() => return Err(Ended::Shutdown),
            () = lost(connection) => return Err(Ended::Closed),
        };
        let publish = async {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let key = topology::queue_of(hint.user, hint.urgent);
            let span = tracing::info_span!(
                "publish hint",
                otel.kind = "producer",
                otel.name = format!("publish {}", topology::EXCHANGE),
                messaging.system = "rabbitmq",
                messaging.rabbitmq.destination.routing_key = key,
            );
            telemetry::trace::join(&span, hint.traceparent.as_deref());
            let properties = properties(telemetry::trace::of(&span).or_else(|| hint.traceparent.clone()));
            let publishing = async {
                let exchange = topology::EXCHANGE.into();
                channel.basic_publish(exchange, key.as_str().into(), options, &hint.body(), properties).await?.await
            };
            publishing.instrument(span).await
        };
        match tokio::time::timeout(CONFIRM, publish).await.map_err(|_| Ended::TimedOut)?? {
            // A returned message is acked too: only an ack without it means that a queue has it.
            Confirmation::Ack(None) => {}
            _ => return Err(Ended::NotTaken),
        }
    }
}

/// Notices a connection that dies while nothing is published.
async fn lost(connection: &Connection) {
    while connection.status().connected() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn properties(traceparent: Option<String>) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(traceparent) = traceparent {
        headers.insert("traceparent".into(), AMQPValue::LongString(traceparent.into()));
    }
    BasicProperties::default().with_delivery_mode(2).with_content_type("application/json".into()).with_headers(headers)
}
