//! What a poll of a realm's events reads, and what it says of the time before (K28): no statement and no call.

use super::{OVERLAP_MS, REREAD_MS, Watch};

impl Watch {
    /// From when on events are read, milliseconds of the realm's clock: they commit late, some of them very late.
    pub fn since_ms(&self, now_ms: i64) -> i64 {
        self.cursor_ms.unwrap_or(now_ms) - if self.reread { REREAD_MS } else { OVERLAP_MS }
    }

    /// Where the cursor stands after a reading: never past what was read, which ends with the realm's clock, and never further
    /// back than it was.
    pub fn cursor_after(&self, until_ms: i64) -> i64 {
        until_ms.max(self.cursor_ms.unwrap_or(0))
    }

    /// Whether nobody has read events for so long that nobody can say what was cleared meanwhile. A cursor alone says nothing:
    /// it lags where there is more to read than one poll takes.
    pub fn paused(&self, until_ms: i64) -> bool {
        let lags = self.cursor_ms.is_some_and(|cursor_ms| until_ms - cursor_ms > REREAD_MS);
        lags && self.unread.is_none_or(|unread| unread > REREAD_MS * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use registry::TenantId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pause_is_one_in_which_nobody_read_events_and_not_one_that_the_cursor_lags_behind() {
        let watch = |cursor_ms, unread_ms: Option<i64>| Watch {
            tenant_id: TenantId(Uuid::nil()),
            cursor_ms,
            poll_epoch: 1,
            realm_uuid: None,
            client_ids: String::new(),
            idle_polls: 0,
            reread: false,
            newest_event: None,
            unread: unread_ms.map(|unread_ms| unread_ms * 1_000),
        };
        let paused = |watch: Watch, now| watch.paused(now);
        let (now, long_ago) = (10 * REREAD_MS, Some(REREAD_MS));
        assert!(!paused(watch(None, None), now), "it begins");
        assert!(!paused(watch(Some(now), Some(0)), now));
        assert!(!paused(watch(long_ago, Some(2_000)), now), "a mass of events is read poll by poll");
        assert!(paused(watch(long_ago, Some(REREAD_MS + 1)), now));
        assert!(paused(watch(long_ago, None), now), "an earlier version did not say when it read");
        assert!(!paused(watch(Some(now), Some(REREAD_MS + 1)), now), "nor did it move the time it had read");
    }
}
