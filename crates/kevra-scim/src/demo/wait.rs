//! Waiting for what a demo needs, with an end.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Prerequisite;
use super::play::{asked, http};

/// A broker that is named must answer before anything is started.
pub(super) async fn broker_answers(url: &SecretString) -> anyhow::Result<()> {
    let parsed = url::Url::parse(url.expose_secret())?;
    let port = parsed.port().unwrap_or(if parsed.scheme() == "amqps" { 5671 } else { 5672 });
    let address = format!("{}:{port}", parsed.host_str().unwrap_or("127.0.0.1"));
    let connected = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(&address)).await;
    if matches!(connected, Ok(Ok(_))) {
        return Ok(());
    }
    let trouble = format!("AMQP_URL is set and nothing answers on {address}");
    Err(Prerequisite::new("doorbell", trouble, "start RabbitMQ, or unset AMQP_URL to use the in-process doorbell")
        .into())
}

/// Everything of ours answers.
pub(super) async fn until_ready(ops_url: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let client = http()?;
    let mut said = "nothing answers".to_owned();
    for _ in 0..300 {
        if stop.is_cancelled() {
            anyhow::bail!("stopped before everything was ready");
        }
        if let Ok(answer) = asked(client.get(format!("{ops_url}/readyz"))).await {
            if answer.status().is_success() {
                return Ok(());
            }
            said = answer.text().await.unwrap_or_default();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Prerequisite::new("start", format!("not ready within 30 s: {}", said.trim()), "see the lines above").into())
}
