//! RFC 9865: each page begins after the last resource of the one before, so that a walk neither skips nor repeats
//! whatever is written meanwhile.

use directory::resource::Page as Rows;
use scim::cursor::{self, Walk};
use scim::{Error, Object, ScimType, list};

use super::found::{Found, compare, order};
use super::selection::{self, Selection};
use crate::answer::Answer;
use crate::call::Call;

/// How long a cursor is good, seconds; what `/ServiceProviderConfig` says.
const LIFE: i64 = 3_600;

#[expect(clippy::disallowed_methods, reason = "a cursor ages by the clock of this moment")]
pub(super) async fn by_cursor(
    call: &Call<'_>,
    selections: &[Selection<'_>],
    cursor: Option<&str>,
    count: Option<u32>,
) -> Result<Answer, Answer> {
    let key = match &call.provisioner.cursor_key {
        Some(key) => key.clone(),
        None => registry::tenant::cursor_key(&call.deps.db, call.tenant()).await.map_err(|_| Answer::unavailable())?,
    };
    let endpoint = match selections {
        [one] => call.types.of(one.kind).endpoint.as_str(),
        _ => "/",
    };
    let walk = Walk::of(&call.tenant().to_string(), endpoint, selections.iter().map(|selection| selection.query));
    let sorted = selections.first().is_some_and(|selection| selection.sort().is_some());
    let now = chrono::Utc::now().timestamp();
    let (after, count) = match cursor {
        None => (None, count),
        Some(text) => {
            let (position, counted) = cursor::decode(&key, &walk, text, now, LIFE)?;
            let invalid = || Error::bad(ScimType::InvalidCursor, "the cursor is not one of this query");
            (Some(Found::at(&position, sorted).ok_or_else(invalid)?), counted)
        }
    };
    let size = count.unwrap_or(list::DEFAULT_RESULTS);
    let (shown, total, next) = if selection::in_the_database(selections) {
        in_the_database(selections, after, size).await?
    } else {
        in_memory(selections, after.as_ref(), size).await?
    };
    let next = next.and_then(|next| cursor::encode(&key, &walk.counting(count), &next.position(sorted), now));
    Ok(Answer::json(200, list::cursor_response(shown, Some(total), next.as_deref(), None)))
}

/// A page, how many match in all, and what the next page comes after.
type Stretch = (Vec<Object>, u64, Option<Found>);

/// Several types follow one another: of those before the cursor's only the number is asked.
async fn in_the_database(selections: &[Selection<'_>], after: Option<Found>, size: u32) -> Result<Stretch, Answer> {
    let (size, begins) = (size as usize, after.as_ref().map_or(0, |after| after.of));
    let mut place = after.map(Found::place);
    let (mut shown, mut total, mut last, mut more) = (Vec::new(), 0, None, false);
    for (of, selection) in selections.iter().enumerate() {
        // One more than fits tells whether there is a next page.
        let wanted = if of < begins || more { 0 } else { u32::try_from(size - shown.len() + 1).unwrap_or(u32::MAX) };
        let from = if of == begins { place.take() } else { None };
        let selected = selection.page(&Rows::After(from, wanted), true).await?;
        total += selected.total;
        for (resource, key) in selected.resources.into_iter().zip(selected.keys) {
            if shown.len() == size {
                more = true;
                break;
            }
            last = Some(Found { key, created_at: resource.created_at, id: resource.id, of });
            shown.push(selection.show(resource));
        }
    }
    Ok((shown, total, last.filter(|_| more)))
}

async fn in_memory(selections: &[Selection<'_>], after: Option<&Found>, size: u32) -> Result<Stretch, Answer> {
    let sort = selections.first().and_then(Selection::sort);
    let (mut found, held) = selection::walk(selections).await?;
    let total = found.len() as u64;
    order(&mut found, sort);
    if let Some(after) = after {
        found.retain(|found| compare(found, after, sort).is_gt());
    }
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let shown = selection::show(selections, &found, held).await?;
    Ok((shown, total, found.pop().filter(|_| more)))
}
