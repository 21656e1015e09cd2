//! A PATCH of a group in two: what it does to the document, and what it does to the membership.

use serde_json::{Value, json};

use super::delta::{Delta, Fold};
use super::{Member, parse};
use crate::Error;
use crate::filter::{Expression, Operand, Operator};
use crate::patch::{Options, OwnedStep, Patch, Step, Verb, Visits, members_after};
use crate::schema::ResourceType;

/// What a PATCH asks of the membership of a group.
pub struct Membership<'s> {
    /// Changes in their order that depend on who is a member, each with what comes before it.
    steps: Vec<(Delta, OwnedStep<'s>)>,
    /// What comes after them; everything, if there are none.
    delta: Delta,
    options: Options,
    /// About how many bytes were sent.
    bytes: usize,
}

impl std::fmt::Debug for Membership<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Membership").field("needs_current", &self.needs_current()).finish_non_exhaustive()
    }
}

impl Membership<'_> {
    /// Whether the current members have to be read to know what changes, as `members[type eq "User"]` asks.
    pub fn needs_current(&self) -> bool {
        !self.steps.is_empty()
    }

    /// What changes, if that does not depend on the current members.
    pub fn delta(&self) -> Option<&Delta> {
        (!self.needs_current()).then_some(&self.delta)
    }

    /// What changes, given the current members. They are looked at only if needed.
    pub fn resolve(&self, current: &[Member]) -> Result<Delta, Error> {
        if !self.needs_current() {
            return Ok(self.delta.clone());
        }
        // Only what needs it looks at the whole list; whether it may is known before anything is done.
        Visits::of(self.bytes, current.len()).look(self.steps.len().saturating_mul(current.len()))?;
        let (mut members, mut visits) = (current.to_vec(), Visits::of(self.bytes, current.len()));
        for (before, step) in &self.steps {
            members = before.apply(&members);
            visits.look(members.len() + 1)?;
            let list: Vec<Value> = members.iter().map(Member::to_json).collect();
            members = parse(&members_after(json!(list), step, self.options)?)?;
        }
        Ok(Delta::between(current, &self.delta.apply(&members)))
    }
}

/// Divides a PATCH of a group. The patch that is left never touches members; apply it to a document that holds none.
///
/// An operation that cannot be done fails the whole request, as it would in one piece.
pub fn divide(resource: &ResourceType, mut patch: Patch, options: Options) -> Result<(Patch, Membership<'_>), Error> {
    let (mut fold, mut steps) = (Fold::default(), Vec::new());
    patch.each_step(resource, |step| {
        if step.changes_members() && !folded(&mut fold, step)? {
            steps.push((std::mem::take(&mut fold).finish(), OwnedStep::of(step)));
        }
        Ok(())
    })?;
    patch.leave_members_out();
    let bytes = patch.bytes;
    Ok((patch, Membership { steps, delta: fold.finish(), options, bytes }))
}

/// Folds one change; `false` if it depends on who is a member.
fn folded(fold: &mut Fold, step: &Step<'_, '_>) -> Result<bool, Error> {
    if step.path.sub.is_some() {
        return Ok(false);
    }
    let value = step.value.unwrap_or(&Value::Null);
    match (&step.filter, step.verb) {
        (Some(filter), Verb::Remove) => {
            let mut ids = Vec::new();
            if !named_ids(filter, &mut ids) {
                return Ok(false);
            }
            fold.remove(ids);
        }
        (Some(_), Verb::Add | Verb::Replace) => return Ok(false),
        // Without a value everybody goes. An empty list names nobody, and must not empty the group by mistake.
        (None, Verb::Remove) if value.is_null() => fold.clear(),
        (None, Verb::Remove) => fold.remove(parse(value)?.into_iter().map(|member| member.value)),
        (None, Verb::Add) => fold.add(parse(value)?),
        (None, Verb::Replace) => {
            let members = parse(value)?;
            fold.clear();
            fold.add(members);
        }
    }
    Ok(true)
}

/// The ids of a disjunction of `value eq "…"`; `false` for any other filter. Its depth is the parser's.
fn named_ids(filter: &Expression<'_>, ids: &mut Vec<String>) -> bool {
    match filter {
        Expression::Or(left, right) => named_ids(left, ids) && named_ids(right, ids),
        Expression::Compare(Operand::Element(attribute), Operator::Equal, Value::String(id))
            if attribute.name == "value" =>
        {
            ids.push(id.clone());
            true
        }
        _ => false,
    }
}
