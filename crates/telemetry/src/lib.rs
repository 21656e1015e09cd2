//! What the rooms emit: trace context that travels as text, and instruments. Where it goes is the program's to decide.

pub mod metrics;
pub mod trace;
