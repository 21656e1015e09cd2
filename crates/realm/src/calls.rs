//! What a piece of work asked of its realm, for whoever tells of it afterwards: which operations, how they ended, how long
//! they took. Never whom they were about.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;

/// The class of an operation that has not ended yet.
const UNANSWERED: &str = "unanswered";

tokio::task_local! {
    static HEARD: Calls;
}

/// One operation, as often as it ended in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `create user`, `end sessions`, …
    pub operation: &'static str,
    /// `ok`, or the class of the error.
    pub class: &'static str,
    /// How many times.
    pub count: u32,
    /// How long they took together.
    pub duration: Duration,
}

/// The operations of one piece of work.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

struct Call {
    operation: &'static str,
    begun: Instant,
    ended: Option<(&'static str, Duration)>,
}

impl Calls {
    /// Does a piece of work, and hears what it asks of the realm.
    pub fn hear<W: Future>(self, work: W) -> impl Future<Output = W::Output> {
        HEARD.scope(self, work)
    }

    /// What was asked so far, each operation where it was asked first.
    pub fn so_far(&self) -> Vec<Asked> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked: Vec<Asked> = Vec::new();
        for call in calls.iter() {
            let (class, duration) = call.ended.unwrap_or_else(|| (UNANSWERED, call.begun.elapsed()));
            let same = |asked: &&mut Asked| (asked.operation, asked.class) == (call.operation, class);
            if let Some(known) = asked.iter_mut().find(same) {
                known.count += 1;
                known.duration += duration;
            } else {
                asked.push(Asked { operation: call.operation, class, count: 1, duration });
            }
        }
        asked
    }

    fn begin(&self, operation: &'static str) -> usize {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(Call { operation, begun: Instant::now(), ended: None });
        calls.len() - 1
    }

    fn end(&self, place: usize, class: &'static str) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(call) = calls.get_mut(place) {
            call.ended = Some((class, call.begun.elapsed()));
        }
    }
}

/// An operation of the realm, told to whoever hears.
pub(crate) async fn told<T>(operation: &'static str, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let Ok(calls) = HEARD.try_with(Calls::clone) else { return call.await };
    let place = calls.begin(operation);
    let outcome = call.await;
    calls.end(place, outcome.as_ref().map_or_else(Error::class, |_| "ok"));
    outcome
}

#[cfg(test)]
mod tests {
    use super::{Asked, Calls, told};
    use crate::Error;

    fn counted(asked: &[Asked]) -> Vec<(&'static str, &'static str, u32)> {
        asked.iter().map(|asked| (asked.operation, asked.class, asked.count)).collect()
    }

    #[tokio::test]
    async fn operations_are_counted_by_how_they_ended_and_nobody_hears_others() {
        let (mine, others) = (Calls::default(), Calls::default());
        let work = async {
            for outcome in [Ok(()), Err(Error::Unavailable), Ok(())] {
                drop(told("add member", async { outcome }).await);
            }
            told("end sessions", async { Ok(()) }).await
        };
        mine.clone().hear(work).await.unwrap();
        others.clone().hear(told("create user", async { Ok(()) })).await.unwrap();
        told("delete user", async { Ok(()) }).await.unwrap();
        let wanted = [("add member", "ok", 2), ("add member", "unavailable", 1), ("end sessions", "ok", 1)];
        assert_eq!(counted(&mine.so_far()), wanted);
        assert_eq!(counted(&others.so_far()), [("create user", "ok", 1)]);
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    async fn what_has_not_ended_is_unanswered_and_ends_later() {
        let calls = Calls::default();
        let (answer, answered) = tokio::sync::oneshot::channel::<()>();
        let waits = async {
            answered.await.unwrap();
            Ok(())
        };
        let work = tokio::spawn(calls.clone().hear(told("update user", waits)));
        while calls.so_far().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(counted(&calls.so_far()), [("update user", "unanswered", 1)]);
        answer.send(()).unwrap();
        work.await.unwrap().unwrap();
        assert_eq!(counted(&calls.so_far()), [("update user", "ok", 1)]);
    }
}
