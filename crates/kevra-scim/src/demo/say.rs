//! What a demo says as it goes on: a line for a person at a terminal, its facts as a line of JSON for anybody else.

use std::io::IsTerminal;

use serde_json::Value;

/// Says one thing, in the form its reader can use. Facts hold ids and counts, no token: whoever reads a pipe keeps it.
pub(super) fn say(line: &str, facts: &Value) {
    if std::io::stdout().is_terminal() {
        println!("{line}");
    } else {
        println!("{facts}");
    }
}
