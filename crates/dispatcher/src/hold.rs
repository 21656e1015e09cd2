//! A resource held for repair: the same write lease as a request's (K1), without a request.

use directory::lease::Lease;
use directory::resource::Kind;
use directory::writing::{self, LEASE};
use registry::{Db, TenantId};
use uuid::Uuid;

/// A claim of a repair.
pub(crate) struct Hold<'a> {
    db: &'a Db,
    kind: Kind,
    tenant: TenantId,
    id: Uuid,
    epoch: i64,
    lease: Lease,
}

impl<'a> Hold<'a> {
    /// Takes a resource over, to write it in the realm; `None` while somebody writes it.
    pub async fn take(
        db: &'a Db,
        kind: Kind,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<Option<Hold<'a>>, directory::Error> {
        Self::taken(db, kind, (tenant, id), true).await
    }

    /// Takes a resource over, to look at it and no more: nothing is in doubt where the claim runs out.
    pub async fn look(
        db: &'a Db,
        kind: Kind,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<Option<Hold<'a>>, directory::Error> {
        Self::taken(db, kind, (tenant, id), false).await
    }

    async fn taken(
        db: &'a Db,
        kind: Kind,
        (tenant, id): (TenantId, Uuid),
        writing: bool,
    ) -> Result<Option<Hold<'a>>, directory::Error> {
        let lease = Lease::asked(LEASE);
        let epoch = writing::take_over(db, kind, tenant, id, writing).await?;
        Ok(epoch.map(|epoch| Self { db, kind, tenant, id, epoch, lease }))
    }

    /// To be asked before the first write of one taken to look; `false` if it is no longer ours.
    pub async fn writes(&mut self) -> Result<bool, directory::Error> {
        self.lease = Lease::asked(LEASE);
        writing::writes(self.db, self.kind, self.tenant, self.id, self.epoch).await
    }

    /// To be asked before each realm call: none begins with less of the lease left than the call may take.
    pub async fn ready(&mut self) -> Result<bool, directory::Error> {
        if self.lease.covers(realm::CALL) {
            return Ok(true);
        }
        self.lease = Lease::asked(LEASE);
        let renewed = writing::renew(self.db, self.kind, self.tenant, self.id, self.epoch).await?;
        Ok(renewed && self.lease.covers(realm::CALL))
    }

    /// The claim's number.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Gives it back.
    pub async fn release(self) -> Result<(), directory::Error> {
        writing::release(self.db, self.kind, self.tenant, self.id, self.epoch).await
    }

    /// Leaves it to run out: a write of ours was not confirmed (K5).
    pub async fn doubt(self) -> Result<(), directory::Error> {
        writing::doubt(self.db, self.kind, self.tenant, self.id).await
    }
}
