//! A query on one type as it is carried out: what of it the database answers, and what of each resource is needed.

use std::collections::HashMap;

use directory::resource::{self, Kind, Page as Rows, Place, Resource, Selected, Wanted};
use directory::{Condition, Order};
use scim::Object;
use scim::filter::{Expression, Operand};
use scim::path::AttributePath;
use scim::query::Query;
use scim::sort::{Key, Sort};
use uuid::Uuid;

use super::found::Found;
use crate::ahead;
use crate::answer::Answer;
use crate::call::Call;
use crate::render::{needs_relation, relation, whole};

/// How many resources residual evaluation holds at once.
const WALK: u32 = 500;

pub(super) struct Selection<'q> {
    call: &'q Call<'q>,
    pub kind: Kind,
    pub query: &'q Query<'q>,
    condition: Condition,
    /// The order, where a column has it.
    order: Option<Order>,
    /// Answers show what relates to a resource, or the version it is part of.
    shows: bool,
    /// Filter or order look at it, or at that version.
    needs: bool,
}

/// Resources at hand, by id.
pub(super) type Held = HashMap<Uuid, Resource>;

/// The database answers them alone, page by page. An order that several types share is found in memory.
pub(super) fn in_the_database(selections: &[Selection<'_>]) -> bool {
    let ordered = |selection: &Selection<'_>| match selection.sort() {
        Some(_) => selection.order.is_some() && selections.len() == 1,
        None => true,
    };
    selections.iter().all(|selection| selection.condition.exact && ordered(selection))
}

/// Everything that matches, with what it is sorted by.
pub(super) async fn walk(selections: &[Selection<'_>]) -> Result<(Vec<Found>, Held), Answer> {
    let (mut all, mut at_hand) = (Vec::new(), Held::new());
    for (of, selection) in selections.iter().enumerate() {
        let (found, held) = selection.walk().await?;
        all.extend(found.into_iter().map(|found| Found { of, ..found }));
        at_hand.extend(held);
    }
    Ok((all, at_hand))
}

/// A page as it is shown, in its order; what is not at hand is read.
pub(super) async fn show(selections: &[Selection<'_>], page: &[Found], mut held: Held) -> Result<Vec<Object>, Answer> {
    for (of, selection) in selections.iter().enumerate() {
        let mine = page.iter().filter(|found| found.of == of).map(|found| found.id);
        let missing: Vec<Uuid> = mine.filter(|id| !held.contains_key(id)).collect();
        held.extend(selection.read(&missing).await?.into_iter().map(|resource| (resource.id, resource)));
    }
    let mut shown = |found: &Found| selections.get(found.of)?.show(held.remove(&found.id)?).into();
    Ok(page.iter().filter_map(&mut shown).collect())
}

impl<'q> Selection<'q> {
    pub fn of(call: &'q Call<'q>, kind: Kind, query: &'q Query<'q>) -> Self {
        let filter = query.filter.as_ref();
        let condition = filter.map_or_else(Condition::all, |filter| Condition::of(&call.deps.db, kind, filter));
        let filters = filter.is_some_and(|filter| !condition.exact && mentions(filter.expression(), kind));
        let sorts = query.sort.as_ref().is_some_and(|sort| looks(sort.path.as_ref(), kind));
        let (shows, needs) = (needs_relation(&query.projection, query.resource, kind), filters || sorts);
        let order = query.sort.as_ref().and_then(|sort| Order::of(kind, sort));
        Self { call, kind, query, condition, order, shows, needs }
    }

    pub fn sort(&self) -> Option<&'q Sort<'q>> {
        self.query.sort.as_ref()
    }

    pub fn show(&self, resource: Resource) -> Object {
        self.query.projection.apply(self.call.types.of(self.kind), whole(self.call, self.kind, resource))
    }

    /// A page as the database answers it.
    pub async fn page(&self, rows: &Rows, total: bool) -> Result<Selected, Answer> {
        if let Some(found) = self.read_ahead(rows) {
            return Ok(found?);
        }
        self.select(rows, Wanted { related: self.shows, total, order: self.order }).await
    }

    /// Whoever was looked up by name with the token: nobody else has it.
    fn read_ahead(&self, rows: &Rows) -> Option<Result<Selected, directory::Error>> {
        let (ahead, Rows::Offset(0, 1..)) = (self.call.ahead?, rows) else { return None };
        let found = ahead.answer(&ahead::user_name(self.query)?, self.shows)?;
        Some(found.map(|found| Selected {
            total: u64::from(found.is_some()),
            keys: found.iter().map(|_| Key::Missing).collect(),
            resources: found.into_iter().collect(),
        }))
    }

    async fn select(&self, rows: &Rows, wanted: Wanted) -> Result<Selected, Answer> {
        let (db, tenant) = (&self.call.deps.db, self.call.tenant());
        Ok(resource::page(db, tenant, self.kind, &self.condition, rows, wanted).await?)
    }

    async fn read(&self, ids: &[Uuid]) -> Result<Vec<Resource>, Answer> {
        Ok(resource::by_ids(&self.call.deps.db, self.call.tenant(), self.kind, ids, self.shows).await?)
    }

    /// Walks everything the condition lets through; what matches, with what it is sorted by. The resources themselves stay
    /// at hand only where the walk took one step and they are whole, so that they need not be read again.
    async fn walk(&self) -> Result<(Vec<Found>, Held), Answer> {
        let (mut found, mut held, mut last) = (Vec::new(), Held::new(), None);
        loop {
            let first = last.is_none();
            // A user's groups are few, a group's members may be everybody: those are read of the page alone.
            let related = self.needs || (first && self.shows && self.kind == Kind::User);
            let wanted = Wanted { related, ..Wanted::default() };
            let rows = self.select(&Rows::After(last, WALK), wanted).await?.resources;
            let full = rows.len() == WALK as usize;
            last = rows.last().map(|last| Place { key: Key::Missing, created_at: last.created_at, id: last.id });
            for resource in rows {
                let document = whole(self.call, self.kind, resource.clone());
                if !self.query.filter.as_ref().is_none_or(|filter| filter.matches(&document)) {
                    continue;
                }
                let key = self.sort().map_or(Key::Missing, |sort| sort.key(&document));
                found.push(Found { key, created_at: resource.created_at, id: resource.id, of: 0 });
                if first && !full && (related || !self.shows) {
                    held.insert(resource.id, resource);
                }
            }
            if !full {
                return Ok((found, held));
            }
        }
    }
}

/// Whether a filter looks at what relates to a resource.
fn mentions(expression: &Expression<'_>, kind: Kind) -> bool {
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => mentions(left, kind) || mentions(right, kind),
        Expression::Not(inner) => mentions(inner, kind),
        Expression::Present(Operand::Resource(path)) | Expression::Compare(Operand::Resource(path), ..) => {
            looks(Some(path), kind)
        }
        Expression::Elements(path, ..) => looks(Some(path), kind),
        Expression::Present(Operand::Element(_))
        | Expression::Compare(Operand::Element(_), ..)
        | Expression::Constant(_) => false,
    }
}

/// Whether a value is of what relates to a resource, or, of a user, depends on it.
fn looks(path: Option<&AttributePath<'_>>, kind: Kind) -> bool {
    let named = |name: &str| path.and_then(|path| path.attribute).is_some_and(|attribute| attribute.name == name);
    let version = path.and_then(|path| path.sub).is_some_and(|sub| sub.name == "version");
    named(relation(kind)) || (kind == Kind::User && named("meta") && version)
}
