//! Walking through a long list of the realm, page by page.

use serde_json::Value;

use crate::Error;

/// Entries of a page to begin with, of ids alone, and at least.
const MOST: u32 = 200;
const MOST_IDS: u32 = 1_000;
const LEAST: u32 = 25;
/// Pages drift under inserts and deletes; entries of the one before that are read again, which misses few.
const OVERLAP: u32 = 10;

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Its entries, without those that are nobody's business.
    pub entries: Vec<T>,
    /// How many the realm listed: fewer than were asked for are the last.
    pub listed: usize,
}

impl<T> Page<T> {
    /// Of a list as Keycloak answers it.
    pub(crate) fn read(body: &Value, read: impl Fn(&Value) -> Option<T>) -> Self {
        let listed = body.as_array().map(Vec::as_slice).unwrap_or_default();
        Self { listed: listed.len(), entries: listed.iter().filter_map(read).collect() }
    }
}

/// Where a walk is.
#[derive(Debug)]
pub struct Walk {
    first: u32,
    size: u32,
    over: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self { first: 0, size: MOST, over: false }
    }
}

impl Walk {
    /// Through a list of ids alone, in long pages: Keycloak walks through all entries before a page to find where it begins.
    pub fn of_ids() -> Self {
        Self { size: MOST_IDS, ..Self::default() }
    }

    /// From which entry on, and how many, to ask for next; `None` after the last page.
    pub fn next(&self) -> Option<(u32, u32)> {
        (!self.over).then_some((self.first, self.size))
    }

    /// Takes what the realm answered: the entries, or `None` where it took too long for so many and is to be asked for fewer.
    /// A realm may be slow without being away, and a walk that never ends one page ends never.
    pub fn took<T>(&mut self, page: Result<Page<T>, Error>) -> Result<Option<Vec<T>>, Error> {
        match page {
            Ok(page) => {
                self.over = page.listed < self.size as usize;
                self.first += self.size - OVERLAP;
                Ok(Some(page.entries))
            }
            Err(Error::Unavailable) if self.size > LEAST => {
                self.size = (self.size / 4).max(LEAST);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Walk};
    use crate::Error;

    /// A list of numbers of which every third is nobody's business; it answers for no more than `at_most` at once.
    fn walked(length: u32, at_most: u32) -> Result<Vec<u32>, Error> {
        let (mut walk, mut seen) = (Walk::default(), Vec::new());
        while let Some((first, max)) = walk.next() {
            let listed = first.min(length)..(first + max).min(length);
            let page = Page { listed: listed.len(), entries: listed.filter(|number| number % 3 > 0).collect() };
            let Some(entries) = walk.took(if max > at_most { Err(Error::Unavailable) } else { Ok(page) })? else {
                continue;
            };
            seen.extend(entries);
        }
        seen.sort_unstable();
        seen.dedup();
        Ok(seen)
    }

    #[test]
    fn everybody_is_met_whoever_is_left_out_of_a_page_and_however_few_the_realm_answers_for() {
        for length in [0, 1, 24, 25, 199, 200, 201, 390, 1_000] {
            let all: Vec<u32> = (0..length).filter(|number| number % 3 > 0).collect();
            for at_most in [200, 199, 50, 25] {
                assert_eq!(walked(length, at_most).ok(), Some(all.clone()), "{length} by {at_most}");
            }
        }
    }

    #[test]
    fn a_realm_that_does_not_answer_for_few_either_is_away() {
        assert!(matches!(walked(1_000, 24), Err(Error::Unavailable)));
    }
}
