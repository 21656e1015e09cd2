//! Masses: many deactivations within minutes raise an alarm, and are held where the tenant chose so; many records that are
//! gone at once set the downstream aside for a person (K23).

use std::sync::LazyLock;

use directory::activity::{self, Entry};
use directory::departure::{self, Kind, Toll, WINDOW};
use directory::held;
use registry::quarantine::Cause;
use registry::target_option;
use telemetry::metrics::{self, Counter, KeyValue};

use crate::attempt::micros_now;
use crate::ended::Ended;
use crate::round::{Error, Round};

static ALARMS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    metrics::counter("outbound_mass_alarms", "Masses of users deactivated or gone downstream, by kind")
});

impl Round<'_> {
    /// Before a deactivation: holds it where the tenant chose so and it would be one of a mass.
    pub async fn held(&self) -> Result<Option<Ended>, Error> {
        if !self.target.choices.holds_mass || self.claim.row.released {
            return Ok(None);
        }
        let (db, target) = (&self.deps.db, self.target);
        let toll = departure::toll(db, self.tenant, target.id, target.generation, Kind::Off).await?;
        let with_this = Toll { departed: toll.departed + 1, ..toll };
        if !with_this.is_mass() {
            return Ok(None);
        }
        self.alarm("mass_deactivation", with_this).await?;
        Ok(Some(Ended::park(held::DEACTIVATION, None)))
    }

    /// After a deactivation: counts it, and raises the alarm where it makes a mass.
    pub async fn deactivated(&self) -> Result<(), Error> {
        let (db, target) = (&self.deps.db, self.target);
        let toll = departure::note(db, self.tenant, target.id, target.generation, Kind::Off, self.subject.id).await?;
        if toll.is_mass() { self.alarm("mass_deactivation", toll).await } else { Ok(()) }
    }

    /// A record is gone for sure. One of a mass makes nothing anew: the downstream waits for a person.
    pub async fn one_gone(&self) -> Result<Option<Ended>, Error> {
        let (db, target) = (&self.deps.db, self.target);
        let toll = departure::note(db, self.tenant, target.id, target.generation, Kind::Gone, self.subject.id).await?;
        if !toll.is_mass() {
            return Ok(None);
        }
        target_option::hold(db, target.id, target.generation, Cause::Gone).await?;
        self.alarm("mass_gone", toll).await?;
        Ok(Some(Ended::retry(0, "gone")))
    }

    /// At most once in a window, whatever the kind.
    async fn alarm(&self, class: &'static str, toll: Toll) -> Result<(), Error> {
        if !target_option::alarm(&self.deps.db, self.target.id, WINDOW).await? {
            return Ok(());
        }
        let Toll { departed, linked } = toll;
        tracing::warn!(
            name = "outbound.mass",
            tenant.id = %self.tenant,
            class,
            departed,
            linked,
            "an unusual share of a downstream's users is about to go",
        );
        ALARMS.add(1, &[KeyValue::new("kind", class)]);
        let entry = Entry {
            tenant: self.tenant,
            at: micros_now(),
            direction: "out",
            user: None,
            target: Some(self.target.id),
            operation: "alarm".to_owned(),
            status: None,
            class: class.to_owned(),
            reason: Some(format!("{departed} of {linked} users within 10 minutes")),
            changed: Vec::new(),
            duration_ms: 0,
            seq: None,
            trace_id: None,
            client: None,
            detail: None,
            realm_calls: Vec::new(),
        };
        Ok(activity::insert(self.deps.db.connection(), &[entry]).await?)
    }
}
