//! One resource read by the statement that asks whose token it is (decision 0018): each statement costs as much as the next,
//! and most of what identity providers ask is one user.

use registry::provisioner::{self, Beside, Provisioner, Refusal};
use registry::{Db, TokenHash};
use uuid::Uuid;

use crate::Error;
use crate::resource::{self, Kind, One, Resource};

/// The one resource that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// By its id.
    Id(Kind, Uuid),
    /// The user whose userName has this comparison key.
    UserName(String),
}

impl Sought {
    fn kind(&self) -> Kind {
        match self {
            Self::Id(kind, _) => *kind,
            Self::UserName(_) => Kind::User,
        }
    }
}

/// A resource as it was read ahead, or that there is none.
#[derive(Debug)]
pub struct Ahead {
    sought: Sought,
    related: bool,
    found: Option<One>,
}

impl Ahead {
    /// What was found, if exactly this was sought, with what relates to it or not.
    pub fn answer(&self, sought: &Sought, related: bool) -> Option<Result<Option<Resource>, Error>> {
        let answers = self.sought == *sought && self.related == related;
        answers.then(|| self.found.as_ref().map(One::read).transpose())
    }
}

/// Whose token it is, and what is sought of that tenant; whoever's token is refused is told nothing of it.
pub async fn resolve(
    db: &Db,
    token: TokenHash,
    host: &str,
    realm: &str,
    (sought, related): (Sought, bool),
) -> Result<Result<(Provisioner, Ahead), Refusal>, registry::Error> {
    let (connection, kind) = (db.connection(), sought.kind());
    let related_of = if related { resource::related(connection, kind, "r", "i.tenant_id") } else { "'[]'".to_owned() };
    let (column, value) = match &sought {
        Sought::Id(_, id) => ("id", (*id).into()),
        Sought::UserName(key) => ("username_key", key.clone().into()),
    };
    let beside = Beside {
        columns: format!(
            "r.id as beside_id, r.document as beside_document, r.version as beside_version,
             r.created_at as beside_created_at, r.modified_at as beside_modified_at, {related_of} as beside_related"
        ),
        join: format!(
            "left join {} r on r.tenant_id = i.tenant_id and r.{column} = $2 and not r.protected",
            kind.table()
        ),
        value,
    };
    let resolved = provisioner::resolve_beside(db, token, host, realm, beside).await?;
    Ok(resolved.map(|(provisioner, found)| (provisioner, Ahead { sought, related, found })))
}
