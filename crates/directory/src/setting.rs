//! What a look at a user stands on, read in one statement after its claim and before the realm (K11): each statement costs as
//! much as the next, and a push is little else.

use registry::target::{self, Target};
use registry::tenant::{self, Tenant};
use registry::{Db, TenantId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::link::{self, Link};
use crate::refresh::{self, Fence};
use crate::{Error, ledger, sql};

/// Tenant, directory and downstream, as they are for one user.
#[derive(Debug)]
pub struct Setting {
    /// Where the realm is.
    pub tenant: Tenant,
    /// `None` for a user the directory does not manage.
    pub fence: Option<Fence>,
    /// The target that is not retired, with what is known of the user there.
    pub target: Option<(Target, Link)>,
    /// The realm lacked the user lately.
    pub missed: bool,
}

impl Setting {
    /// Whoever is given up would lose something by it: is managed, or is deactivated downstream (K14).
    pub fn is_at_stake(&self) -> bool {
        let departs = |(target, link): &(Target, Link)| {
            target.active && target.choices.deactivates_deleted && link.downstream_id.is_some()
        };
        self.fence.is_some() || self.target.as_ref().is_some_and(departs)
    }
}

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested(prefix = "tenant_"))]
    tenant: Tenant,
    #[sea_orm(nested(prefix = "fence_"))]
    fence: Option<Fence>,
    #[sea_orm(nested(prefix = "target_"))]
    target: Option<Target>,
    #[sea_orm(nested(prefix = "link_"))]
    link: Option<link::Row>,
    missed: bool,
}

/// Reads it; `None` where there is no such tenant.
pub async fn of(db: &Db, tenant: TenantId, user: Uuid) -> Result<Option<Setting>, Error> {
    let connection = db.connection();
    let now = ledger::clock(connection);
    let text = format!(
        "select {}, {}, {}, {}, exists (select 1 from absence where tenant_id = $1 and user_id = $2) as missed
         from tenant t
         join cluster c on c.id = t.cluster_id
         left join directory_user u on u.tenant_id = t.id and u.id = $2
         left join target g on g.tenant_id = t.id and g.state <> 'retired'
         left join link l on l.tenant_id = t.id and l.user_id = $2 and l.target_id = g.id
         where t.id = $1",
        tenant::columns("tenant_"),
        refresh::columns(now, "fence_"),
        target::columns(connection, "target_"),
        link::columns(now, "link_"),
    );
    let row: Option<Row> = sql::one(connection, &text, [tenant.0.into(), user.into()]).await?;
    let Some(Row { tenant, fence, target, link, missed }) = row else { return Ok(None) };
    let link = link.map_or_else(|| Ok(Link::default()), TryInto::try_into)?;
    Ok(Some(Setting { tenant, fence, target: target.map(|target| (target, link)), missed }))
}
