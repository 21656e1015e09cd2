//! Consent to what cannot be taken back: asked for at a terminal, given by a flag everywhere else.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

/// The flag that gives consent beforehand.
#[derive(Args)]
pub(crate) struct Consent {
    /// Do it without asking; needed where standard input is no terminal.
    #[arg(long)]
    yes: bool,
}

/// Nobody consented: nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("{0} Nothing was done.")]
pub(crate) struct Withheld(&'static str);

impl Consent {
    /// Goes on only with consent. `consequence` is a sentence about what will happen.
    pub fn to(&self, consequence: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let input = std::io::stdin();
        eprintln!("{consequence}");
        if !input.is_terminal() {
            return Err(Withheld("Standard input is no terminal to ask at: say --yes.").into());
        }
        eprint!("Go on? Type yes: ");
        std::io::stderr().flush()?;
        let mut line = String::new();
        input.lock().read_line(&mut line)?;
        if line.trim() == "yes" { Ok(()) } else { Err(Withheld("That was not yes.").into()) }
    }
}
