//! Exhaustive exploration: every world that a small one can become, breadth first, so that a trace that fails is among
//! the shortest. Worlds that differ only in the time they happen at are one.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::faults::{Action, Menu};
use crate::world::{Violation, World};

/// How an exploration ended.
#[derive(Debug)]
pub struct Explored {
    pub worlds: usize,
    pub rests: usize,
    /// What failed, and the shortest way to it.
    pub failure: Option<(Violation, Vec<Action>)>,
}

/// More worlds than this are not small.
const MOST: usize = 3_000_000;

/// Explores everything, or until something fails.
pub fn explore(first: &World, menu: &Menu) -> Explored {
    let mut seen = HashSet::from([key(first)]);
    let mut steps: Vec<(usize, Option<Action>)> = vec![(0, None)];
    let mut queue = VecDeque::from([(0, first.clone())]);
    let mut rests = 0;
    while let Some((place, world)) = queue.pop_front() {
        if world.is_at_rest() {
            rests += 1;
            if let Err(violation) = world.at_rest() {
                return Explored { worlds: seen.len(), rests, failure: Some((violation, trace(&steps, place))) };
            }
        }
        for action in world.actions(menu) {
            let mut next = world.clone();
            let acted = next.act(action, menu);
            if let Err(violation) = acted {
                let mut way = trace(&steps, place);
                way.push(action);
                return Explored { worlds: seen.len(), rests, failure: Some((violation, way)) };
            }
            if seen.insert(key(&next)) {
                steps.push((place, Some(action)));
                queue.push_back((steps.len() - 1, next));
            }
        }
        assert!(seen.len() < MOST, "this world is not small");
    }
    Explored { worlds: seen.len(), rests, failure: None }
}

fn key(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.canonical().hash(&mut hasher);
    hasher.finish()
}

fn trace(steps: &[(usize, Option<Action>)], mut place: usize) -> Vec<Action> {
    let mut way = Vec::new();
    while let (before, Some(action)) = steps[place] {
        way.push(action);
        place = before;
    }
    way.reverse();
    way
}
