//! Walking through a realm's events by time, never by offset: within one millisecond the order of pages is not stable, so a
//! page that does not get past its first millisecond is asked for again, larger.

use serde::{Deserialize, Serialize};
use serde_json::Value;

const PAGE: usize = 100;
/// Where there is much to read pages grow to this; one that a single millisecond fills grows further.
const LONG_PAGE: usize = 1_600;
/// Pages of one walk: what is left comes with the next.
const MAX_PAGES: usize = 50;
/// At least so much is walked through, however many pages that takes: the next walk begins a minute before the end of this
/// one, and would come to nothing new where that minute alone had more pages.
const LEAST_MS: i64 = 120_000;

/// A known event is looked for from so much before it on.
const BEFORE_MS: i64 = 1_000;

/// The newest event that is known of a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Newest {
    /// When, milliseconds of the realm's clock.
    pub at_ms: i64,
    /// Its id.
    pub id: String,
}

impl Newest {
    fn of(event: &Value) -> Option<Self> {
        Some(Self { at_ms: event.get("time")?.as_i64()?, id: event.get("id")?.as_str()?.to_owned() })
    }
}

/// Where a walk through one store is.
#[derive(Debug)]
pub struct EventWalk {
    /// What is from before that is looked at for the known event alone.
    asked: i64,
    since: i64,
    known: Option<Newest>,
    from: i64,
    size: usize,
    pages: usize,
    over: bool,
    cut: bool,
    events: Vec<Value>,
    server_ms: i64,
}

/// What a walk came to.
#[derive(Debug)]
pub struct Walked {
    /// The events, some of them twice.
    pub events: Vec<Value>,
    /// Up to where all of them were read.
    pub until_ms: i64,
    /// Where it broke off: from there on there are more.
    pub cut_ms: Option<i64>,
    /// The event to look for with the next walk.
    pub newest: Option<Newest>,
    /// The known event is not there any more: somebody cleared the store, and what else was in it is not known (K28).
    pub cleared: bool,
}

impl EventWalk {
    /// A walk from a moment on. An event known to be in the store is looked for if it is from after that moment; where it is
    /// said since when the store keeps its events, the walk goes back to it, unless it is older than that.
    pub fn new(since: i64, known: Option<Newest>, kept_from: Option<i64>) -> Self {
        let known = known.filter(|known| kept_from.is_none_or(|from| from <= known.at_ms));
        let back = known.as_ref().filter(|_| kept_from.is_some()).map(|known| known.at_ms - BEFORE_MS);
        let asked = since;
        let since = back.map_or(since, |back| back.min(since));
        Self {
            asked,
            since,
            known,
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
    pub fn end(mut self) -> Walked {
        let cut_ms = self.cut.then_some(self.from);
        // One that broke off before the known event says nothing of it, nor does one that began after it.
        let (since, reached) = (self.since + BEFORE_MS, cut_ms.unwrap_or(i64::MAX));
        let sought = self.known.as_ref().filter(|known| (since..reached).contains(&known.at_ms));
        let cleared = sought.is_some_and(|known| !self.events.iter().any(|event| event["id"] == known.id));
        let unsought = self.known.as_ref().filter(|_| sought.is_none()).cloned();
        let newest = unsought.or_else(|| self.events.last().and_then(Newest::of));
        // Ids are not remembered for so long: what is from before would be taken again.
        self.events.retain(|event| event["time"].as_i64().is_none_or(|at_ms| at_ms >= self.asked));
        Walked { events: self.events, until_ms: self.server_ms, cut_ms, newest, cleared }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{EventWalk, MAX_PAGES, Newest, Walked};

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
            let (mut walk, mut pages) = (EventWalk::new(since, None, None), 0);
            while let Some((from, size)) = walk.next() {
                // By the second, as a header says it.
                walk.took(self.page(now, from, size), Some(now / 1_000 * 1_000));
                pages += 1;
            }
            let Walked { events, until_ms, cut_ms, .. } = walk.end();
            let read: BTreeSet<u64> = events.iter().filter_map(|event| event["id"].as_u64()).collect();
            let before = cut_ms.unwrap_or(i64::MAX);
            for (id, (time, at)) in (0..).zip(&self.events) {
                let there = (since..before).contains(time) && *at <= now;
                assert!(!there || read.contains(&id), "{since} to {cut_ms:?}");
            }
            (read, until_ms, pages)
        }
    }

    /// A walk that is answered once.
    fn once(known: Option<i64>, kept_from: Option<i64>, page: &[(&str, i64)]) -> (i64, Walked) {
        let known = known.map(|at_ms| Newest { at_ms, id: "n".to_owned() });
        let mut walk = EventWalk::new(40_000, known, kept_from);
        let from = walk.next().unwrap().0;
        walk.took(page.iter().map(|(id, time)| json!({ "id": id, "time": time })).collect(), Some(90_000));
        (from, walk.end())
    }

    #[test]
    fn a_store_was_cleared_where_its_newest_known_event_is_missing_from_what_was_read() {
        let cleared = |at, page: &[_]| once(Some(at), None, page).1.cleared;
        assert!(!cleared(50_000, &[("a", 45_000), ("n", 50_000), ("z", 60_000)]));
        assert!(cleared(50_000, &[("a", 45_000), ("z", 60_000)]), "cleared one by one");
        assert!(cleared(50_000, &[]), "cleared");
        assert!(!cleared(40_500, &[]), "it may be from before what was read");
        assert!(!once(None, None, &[("z", 60_000)]).1.cleared, "none is known");
    }

    #[test]
    fn a_walk_goes_back_to_the_newest_known_event_where_the_store_still_keeps_it() {
        let (from, walked) = once(Some(10_000), None, &[("z", 60_000)]);
        assert_eq!((from, walked.cleared), (40_000, false));
        assert_eq!(walked.newest.map(|newest| newest.id).as_deref(), Some("n"), "it is looked for another time");
        let (from, walked) = once(Some(10_000), Some(5_000), &[("z", 60_000)]);
        assert_eq!((from, walked.cleared), (9_000, true));
        let (_, walked) = once(Some(10_000), Some(5_000), &[("n", 10_000), ("z", 60_000)]);
        let told: Vec<&Value> = walked.events.iter().map(|event| &event["id"]).collect();
        assert_eq!((walked.cleared, told), (false, vec![&json!("z")]), "what was known is not told again");
        let (_, walked) = once(Some(10_000), Some(5_000), &[("z", 60_000)]);
        assert_eq!(walked.newest.map(|newest| newest.id).as_deref(), Some("z"));
        let (from, walked) = once(Some(10_000), Some(20_000), &[("z", 60_000)]);
        assert_eq!((from, walked.cleared), (40_000, false), "it expired");
        assert_eq!(walked.newest.map(|newest| newest.id).as_deref(), Some("z"));
        assert_eq!(once(Some(50_000), Some(5_000), &[]).1.newest, None, "it is no event to look for any more");
    }

    #[test]
    fn a_walk_that_broke_off_before_the_known_event_keeps_it_and_says_nothing_of_it() {
        let broken = |at_ms| {
            let known = Some(Newest { at_ms, id: "n".to_owned() });
            let mut walk = EventWalk::new(0, known, None);
            let mut time = 0;
            while let Some((_, size)) = walk.next() {
                let times = (0..size).map(|_| {
                    time += 100;
                    json!({ "id": time.to_string(), "time": time })
                });
                walk.took(times.collect(), Some(i64::MAX));
            }
            walk.end()
        };
        let cut = broken(5_000).cut_ms.unwrap();
        assert!(broken(5_000).cleared && broken(cut - 1).cleared);
        for later in [cut, cut + 1] {
            let walked = broken(later);
            assert_eq!((walked.cleared, walked.newest.map(|newest| newest.at_ms)), (false, Some(later)));
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
