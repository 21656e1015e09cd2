//! Walking through a realm's events by time, never by offset: within one millisecond the order of pages is not stable, so a
//! page that does not get past its first millisecond is asked for again, larger.

use serde_json::Value;

const PAGE: usize = 100;
/// Where there is much to read pages grow to this; one that a single millisecond fills grows further.
const LONG_PAGE: usize = 1_600;
/// Pages of one walk: what is left comes with the next.
const MAX_PAGES: usize = 50;
/// At least so much is walked through, however many pages that takes: the next walk begins a minute before the end of this
/// one, and would come to nothing new where that minute alone had more pages.
const LEAST_MS: i64 = 120_000;

/// Where a walk is.
#[derive(Debug)]
pub(super) struct EventWalk {
    since: i64,
    from: i64,
    size: usize,
    pages: usize,
    over: bool,
    cut: bool,
    events: Vec<Value>,
    server_ms: i64,
}

/// What a walk came to.
pub(super) struct Walked {
    /// The events, some of them twice.
    pub events: Vec<Value>,
    /// Up to where all of them were read.
    pub until_ms: i64,
    /// Where it broke off: from there on there are more.
    pub cut_ms: Option<i64>,
}

impl EventWalk {
    pub fn new(since: i64) -> Self {
        Self {
            since,
            from: since,
            size: PAGE,
            pages: 0,
            over: false,
            cut: false,
            events: Vec::new(),
            server_ms: i64::MAX,
        }
    }

    /// From when on, and how many, to ask for next; `None` after the last page.
    pub fn next(&self) -> Option<(i64, usize)> {
        (!self.over).then_some((self.from, self.size))
    }

    /// Takes a page, and the realm's clock as it was answered with.
    pub fn took(&mut self, page: Vec<Value>, date_ms: Option<i64>) {
        self.pages += 1;
        self.server_ms = self.server_ms.min(date_ms.unwrap_or(self.from));
        let last = page.last().and_then(|event| event.get("time")).and_then(Value::as_i64);
        let full = page.len() >= self.size;
        self.events.extend(page);
        match last.filter(|_| full) {
            Some(last) if last == self.from => self.size *= 4,
            Some(last) => (self.from, self.size) = (last, (self.size * 4).min(LONG_PAGE)),
            None => self.over = true,
        }
        if !self.over && self.pages >= MAX_PAGES && self.from > self.since + LEAST_MS {
            (self.over, self.cut) = (true, true);
            // Not all was read: the cursor must not pass what was.
            self.server_ms = self.server_ms.min(self.from);
        }
    }

    /// What it came to.
    pub fn end(self) -> Walked {
        Walked { events: self.events, until_ms: self.server_ms, cut_ms: self.cut.then_some(self.from) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{EventWalk, MAX_PAGES, Walked};

    /// What a poll goes back by, and how late events commit at most.
    const OVERLAP: i64 = 60_000;

    /// Numbers without rhyme or reason, the same for a seed.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }

        fn ms(&mut self, end: i64) -> i64 {
            i64::try_from(self.below(end.unsigned_abs())).unwrap_or(0)
        }
    }

    /// An event store: times in their order, and when each event was committed.
    struct Store {
        events: Vec<(i64, i64)>,
        dice: Dice,
    }

    impl Store {
        fn of(times: impl IntoIterator<Item = i64>, seed: u64) -> Self {
            Self { events: times.into_iter().map(|time| (time, time)).collect(), dice: Dice(seed) }
        }

        /// As Keycloak answers: by time and nothing else, so that those of one millisecond come in any order.
        fn page(&mut self, now: i64, from: i64, size: usize) -> Vec<Value> {
            let Self { events, dice } = self;
            let first = events.partition_point(|(time, _)| *time < from);
            let mut there: Vec<(i64, u64, usize)> = Vec::new();
            for (id, (time, at)) in events.iter().enumerate().skip(first) {
                if there.len() >= size && there.last().is_some_and(|(last, ..)| last != time) {
                    break;
                }
                if *at <= now {
                    there.push((*time, dice.below(u64::MAX), id));
                }
            }
            there.sort_unstable();
            there.into_iter().take(size).map(|(time, _, id)| json!({ "id": id, "time": time })).collect()
        }

        /// One walk: the ids it came by, up to where, and in how many pages. Where it did not break off it came by all there are.
        fn walk(&mut self, now: i64, since: i64) -> (BTreeSet<u64>, i64, usize) {
            let (mut walk, mut pages) = (EventWalk::new(since), 0);
            while let Some((from, size)) = walk.next() {
                // By the second, as a header says it.
                walk.took(self.page(now, from, size), Some(now / 1_000 * 1_000));
                pages += 1;
            }
            let Walked { events, until_ms, cut_ms } = walk.end();
            let read: BTreeSet<u64> = events.iter().filter_map(|event| event["id"].as_u64()).collect();
            let before = cut_ms.unwrap_or(i64::MAX);
            for (id, (time, at)) in (0..).zip(&self.events) {
                let there = (since..before).contains(time) && *at <= now;
                assert!(!there || read.contains(&id), "{since} to {cut_ms:?}");
            }
            (read, until_ms, pages)
        }
    }

    #[test]
    fn more_events_in_a_millisecond_than_a_page_holds_are_all_read() {
        for tied in [1, 99, 100, 101, 399, 400, 401, 1_599, 1_600, 1_601, 7_000] {
            for before in [0, 1, 99, 100, 150] {
                let times = (0..before).chain(std::iter::repeat_n(500, tied)).chain(600..750);
                let mut store = Store::of(times, 7 + tied as u64);
                let (read, until, _) = store.walk(1_000, 0);
                assert_eq!((read.len(), until), (store.events.len(), 1_000), "{before} before {tied}");
            }
        }
    }

    #[test]
    fn a_minute_with_more_events_than_a_walk_has_pages_is_got_past() {
        // As many as a walk may hold, and as many again, within less than what the next begins before.
        let mut store = Store::of((0..160_000).map(|number| number / 3), 3);
        let (mut cursor, mut taken) = (0, BTreeSet::new());
        for _ in 0..3 {
            let (read, until, _) = store.walk(200_000, cursor - OVERLAP);
            taken.extend(read);
            cursor = cursor.max(until);
        }
        assert_eq!((taken.len(), cursor), (160_000, 200_000));
    }

    #[test]
    fn a_walk_through_a_long_time_ends_where_it_says_and_the_next_goes_on() {
        // Ten minutes of two hundred events a second.
        let mut store = Store::of((0..120_000).map(|number| number * 5), 5);
        let (mut cursor, mut taken, mut walks) = (0, BTreeSet::new(), 0);
        while taken.len() < 120_000 {
            let (read, until, pages) = store.walk(600_000, cursor - OVERLAP);
            assert!(pages <= MAX_PAGES && until > cursor, "{pages} pages from {cursor} to {until}");
            let unread = (0..120_000).find(|id| !taken.contains(id) && !read.contains(id));
            assert!(
                unread.is_none_or(|id| until <= i64::try_from(id).unwrap_or(0) * 5),
                "{unread:?} is behind {until}"
            );
            taken.extend(read);
            (cursor, walks) = (until, walks + 1);
        }
        assert!(walks > 1, "one walk reads all of it");
    }

    #[test]
    fn an_event_that_commits_after_a_later_one_was_read_is_read_by_a_walk_that_begins_before_it() {
        for seed in 1..500 {
            let mut dice = Dice(seed);
            let mut events = Vec::new();
            for _ in 0..dice.below(400) {
                // Many at few moments, committed up to most of a minute late.
                let time = dice.ms(40) * 1_500;
                events.push((time, time + dice.ms(OVERLAP - 2_000)));
            }
            events.sort_unstable();
            let mut store = Store { events, dice };
            let (mut now, mut cursor, mut taken) = (0, 0, BTreeSet::new());
            while now < 60_000 + OVERLAP + 20_000 {
                now += 1 + store.dice.ms(9_000);
                let (read, until, _) = store.walk(now, cursor - OVERLAP);
                taken.extend(read);
                cursor = cursor.max(until);
            }
            assert_eq!(taken.len(), store.events.len(), "seed {seed}");
        }
    }
}
