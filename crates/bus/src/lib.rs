//! The doorbell: hints over RabbitMQ, or in process.
