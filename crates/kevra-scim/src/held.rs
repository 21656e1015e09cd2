//! Commands on what would hit many at once and waits for a person.

use clap::{Subcommand, ValueEnum};
use directory::held::{self, Word};
use directory::resource::Kind;
use registry::Db;

use crate::consent::Consent;
use crate::env::Environment;
use crate::output::Output;
use crate::tenants::{ACTOR, find};
use crate::{roles, settings};

/// What waits for a person.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Shows how many deactivations are held, and how many users and groups the realm lacks.
    Show {
        /// The tenant's slug.
        tenant: String,
    },
    /// Confirms: held deactivations go, or missing users or groups are given up.
    Confirm {
        /// The tenant's slug.
        tenant: String,
        /// What is confirmed.
        what: What,
        #[command(flatten)]
        consent: Consent,
    },
    /// Refuses held deactivations: each of these users is left as it is downstream, until it changes.
    Refuse {
        /// The tenant's slug.
        tenant: String,
        #[command(flatten)]
        consent: Consent,
    },
}

/// What can be confirmed.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum What {
    /// Deactivations that are held.
    Deactivations,
    /// Users the realm lacks: they are gone.
    Absences,
    /// Groups the realm lacks: they are gone.
    Groups,
}

pub(crate) async fn run(command: Command, environment: &Environment, output: Output) -> anyhow::Result<()> {
    let db = roles::open(&settings::common(environment)?).await?;
    match command {
        Command::Show { tenant } => {
            let held::Held { deactivations, absences, groups } = held::of(&db, find(&db, &tenant).await?.id).await?;
            let shown = serde_json::json!({ "deactivations": deactivations, "absences": absences, "groups": groups });
            let text = format!("deactivations\t{deactivations}\nabsences\t{absences}\ngroups\t{groups}");
            output.show(&shown, |_| text)
        }
        Command::Confirm { tenant, what: What::Deactivations, consent } => {
            say(&db, &tenant, Word::Deactivate, "will be deactivated downstream", &consent, output).await
        }
        Command::Confirm { tenant, what: What::Absences, consent } => {
            let consequence = "are missing in the realm and will be given up";
            say(&db, &tenant, Word::Gone(Kind::User), consequence, &consent, output).await
        }
        Command::Confirm { tenant, what: What::Groups, consent } => {
            let consequence = "are missing in the realm and will be given up";
            say(&db, &tenant, Word::Gone(Kind::Group), consequence, &consent, output).await
        }
        Command::Refuse { tenant, consent } => {
            say(&db, &tenant, Word::Keep, "will be left active downstream", &consent, output).await
        }
    }
}

async fn say(
    db: &Db,
    tenant: &str,
    word: Word,
    consequence: &str,
    consent: &Consent,
    output: Output,
) -> anyhow::Result<()> {
    let found = find(db, tenant).await?;
    let shown = word.waiting(held::of(db, found.id).await?);
    let noun = word.noun();
    if shown > 0 {
        consent.to(&format!("{shown} {noun} of {tenant} {consequence}."))?;
    }
    let decided = control::say(db, found.id, word, shown, ACTOR).await?;
    output.show(&serde_json::json!({ noun: decided }), |_| format!("decided about {decided} {noun}"))
}
