//! Consuming: small prefetch, acknowledged as soon as the hint is handed over, never given back with nack: the ledger
//! holds the work, the message was only the bell.

use std::sync::atomic::AtomicBool;

use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, message::Delivery};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::session::{self, Ended};
use crate::{Hint, News, topology};

const PREFETCH: u16 = 64;

/// Consumes until something goes wrong. The end of any stream is the end of the session: a deleted queue ends its
/// consumer silently, while the channel stays connected.
pub(crate) async fn run(
    connection: &Connection,
    hints: &mpsc::Sender<Hint>,
    connected: &AtomicBool,
    failures: &mut u32,
    shutdown: &CancellationToken,
) -> Result<(), Ended> {
    let channel = connection.create_channel().await?;
    topology::declare(&channel).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let mut streams = SelectAll::new();
    for (queue, urgent) in topology::queues() {
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await?;
        let ended = futures_util::stream::once(std::future::ready(None));
        streams.push(Box::pin(consumer.map(move |delivery| Some((delivery, urgent))).chain(ended)));
    }
    session::up("consume", connected);
    *failures = 0;
    loop {
        let next = tokio::select! {
            next = streams.next() => next.flatten(),
            () = shutdown.cancelled() => return Err(Ended::Shutdown),
        };
        let Some((delivery, urgent)) = next else { return Err(Ended::Closed) };
        let delivery = delivery?;
        match Hint::read(&delivery.data, urgent, traceparent(&delivery)) {
            Some(hint) => hints.send(hint).await.map_err(|_| Ended::Shutdown)?,
            None => tracing::warn!(name = "hint.malformed", "a message that is no hint was dropped"),
        }
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

/// Listens to Keycloak's listeners. What cannot be read is nobody's news.
pub(crate) async fn capture(
    connection: &Connection,
    news: &mpsc::Sender<News>,
    connected: &AtomicBool,
    failures: &mut u32,
    shutdown: &CancellationToken,
) -> Result<(), Ended> {
    let channel = connection.create_channel().await?;
    topology::declare_capture(&channel).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let queue = topology::CAPTURE.into();
    let mut stream = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
    session::up("capture", connected);
    *failures = 0;
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            () = shutdown.cancelled() => return Err(Ended::Shutdown),
        };
        let delivery = next.ok_or(Ended::Closed)??;
        if let Some(one) = News::read(&delivery.data) {
            news.send(one).await.map_err(|_| Ended::Shutdown)?;
        }
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn traceparent(delivery: &Delivery) -> Option<String> {
    match delivery.properties.headers().as_ref()?.inner().get("traceparent")? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        _ => None,
    }
}
