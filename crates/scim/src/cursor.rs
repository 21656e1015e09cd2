//! Cursors (RFC 9865): a place in a walk through a query's results, signed, so that every replica can go on from it and
//! nobody can make one up.
//!
//! A cursor is stateless: it holds the place and when it was issued, and is bound to the query and to the identity it
//! was made for. It is not encrypted; the place is that of a resource its holder has just read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::filter::Filter;
use crate::query::{Paging, Query};
use crate::sort::Sort;
use crate::{Error, ScimType};

/// The longest cursor read, characters; also the longest made, because it travels in a URL.
pub const MAX_LENGTH: usize = 4_096;

const FORM: u8 = 1;
const MAC: usize = 32;
const HASH: usize = 32;

/// After which resource the next page begins.
#[derive(Clone, PartialEq, Eq)]
pub struct Position {
    /// Created, microseconds since the epoch; the second criterion after the sort key.
    pub created: i64,
    /// The resource's id; the last criterion.
    pub id: String,
    /// What the resource is sorted by, in a form of the caller's; none without `sortBy`.
    pub sort_key: Option<String>,
}

/// A sort key is personal data.
impl std::fmt::Debug for Position {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Position").field("created", &self.created).finish_non_exhaustive()
    }
}

/// What a cursor is bound to, beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    query: [u8; HASH],
    count: Option<u32>,
}

impl Walk {
    /// A walk of an identity (a tenant, say) through an endpoint's results of a filter in an order.
    pub fn new(
        identity: &str,
        endpoint: &str,
        filter: Option<&Filter<'_>>,
        sort: Option<&Sort<'_>>,
        count: Option<u32>,
    ) -> Self {
        Self::of_parts(identity, endpoint, &[(filter, sort)], count)
    }

    /// The walk of a query, or of the queries of one request at the root.
    pub fn of<'q>(identity: &str, endpoint: &str, queries: impl IntoIterator<Item = &'q Query<'q>>) -> Self {
        let (mut parts, mut count) = (Vec::new(), None);
        for query in queries {
            parts.push((query.filter.as_ref(), query.sort.as_ref()));
            if let Paging::Cursor { count: asked, .. } = query.paging {
                count = asked;
            }
        }
        Self::of_parts(identity, endpoint, &parts, count)
    }

    /// The same walk in pages of another size.
    #[must_use]
    pub fn counting(self, count: Option<u32>) -> Self {
        Self { count, ..self }
    }

    fn of_parts(
        identity: &str,
        endpoint: &str,
        parts: &[(Option<&Filter<'_>>, Option<&Sort<'_>>)],
        count: Option<u32>,
    ) -> Self {
        let mut hash = Sha256::new();
        // Lengths first, so that no two walks run together.
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part(identity);
        part(endpoint);
        for (filter, sort) in parts {
            part(&filter.map(ToString::to_string).unwrap_or_default());
            part(&sort.map(ToString::to_string).unwrap_or_default());
        }
        Self { query: hash.finalize().into(), count }
    }
}

/// A cursor for the page after `position`; `now` is in seconds since the epoch. None if it would be longer than
/// [`MAX_LENGTH`], which no key of [`Sort::key`] and no id of less than 700 bytes makes it.
pub fn encode(key: &[u8], walk: &Walk, position: &Position, now: i64) -> Option<String> {
    let mut bytes = vec![FORM];
    bytes.extend(now.to_be_bytes());
    bytes.extend(walk.count.map_or(-1, i64::from).to_be_bytes());
    bytes.extend(walk.query);
    bytes.extend(position.created.to_be_bytes());
    bytes.extend(u16::try_from(position.id.len()).ok()?.to_be_bytes());
    bytes.extend(position.id.as_bytes());
    bytes.push(u8::from(position.sort_key.is_some()));
    bytes.extend(position.sort_key.as_deref().unwrap_or_default().as_bytes());
    let signature = mac(key, &bytes)?.finalize().into_bytes();
    bytes.extend(signature);
    // Base64url has unreserved characters only (RFC 9865 §2).
    Some(URL_SAFE_NO_PAD.encode(bytes)).filter(|text| text.len() <= MAX_LENGTH)
}

/// Where a walk goes on. Forged, of another key, identity or query: 400 `invalidCursor`; older than `lifetime` seconds:
/// 400 `expiredCursor`; asked for with another count than the first page: 400 `invalidCount`. A count left out is the
/// one of the walk, which comes back with the position.
pub fn decode(key: &[u8], walk: &Walk, text: &str, now: i64, lifetime: i64) -> Result<(Position, Option<u32>), Error> {
    let invalid = || Error::bad(ScimType::InvalidCursor, "the cursor is not one of this query");
    let bytes = Some(text).filter(|text| text.len() <= MAX_LENGTH).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let bytes = bytes.ok_or_else(invalid)?;
    let (payload, signature) = bytes.split_last_chunk::<MAC>().ok_or_else(invalid)?;
    let verified = mac(key, payload).is_some_and(|mac| mac.verify_slice(signature).is_ok());
    let sealed = Sealed::read(payload).filter(|sealed| verified && sealed.query == walk.query).ok_or_else(invalid)?;
    // A clock that runs a little behind another replica's is no forgery.
    if now.saturating_sub(sealed.issued) > lifetime {
        return Err(Error::bad(ScimType::ExpiredCursor, "the cursor has expired; begin again"));
    }
    if walk.count.is_some() && walk.count != sealed.count {
        return Err(Error::bad(ScimType::InvalidCount, "count stays the same from page to page"));
    }
    Ok((sealed.position, sealed.count))
}

fn mac(key: &[u8], bytes: &[u8]) -> Option<Hmac<Sha256>> {
    // HMAC takes a key of any length; nothing is left to fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(b"scim cursor\0");
    mac.update(bytes);
    Some(mac)
}

/// What a cursor holds, as it is read.
struct Sealed {
    issued: i64,
    count: Option<u32>,
    query: [u8; HASH],
    position: Position,
}

impl Sealed {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (form, bytes) = bytes.split_first()?;
        let (issued, bytes) = bytes.split_first_chunk::<8>()?;
        let (count, bytes) = bytes.split_first_chunk::<8>()?;
        let (query, bytes) = bytes.split_first_chunk::<HASH>()?;
        let (created, bytes) = bytes.split_first_chunk::<8>()?;
        let (length, bytes) = bytes.split_first_chunk::<2>()?;
        let (id, bytes) = bytes.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (sorted, sort_key) = bytes.split_first()?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        (*form == FORM).then_some(())?;
        Some(Self {
            issued: i64::from_be_bytes(*issued),
            count: u32::try_from(i64::from_be_bytes(*count)).ok(),
            query: *query,
            position: Position {
                created: i64::from_be_bytes(*created),
                id: text(id)?,
                sort_key: if *sorted == 1 { Some(text(sort_key)?) } else { None },
            },
        })
    }
}
