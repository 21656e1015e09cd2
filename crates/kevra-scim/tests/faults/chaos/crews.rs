//! Groups of one tenant, as its identity provider changes them: made, renamed, joined, left, replaced and deleted.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::json;

use crate::provider::{Provider, values};

/// Groups there are at once.
const MOST: usize = 4;

/// A group as the identity provider last saw it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crew {
    pub tenant: String,
    pub id: String,
    pub number: usize,
    pub counter: u64,
    pub members: BTreeSet<String>,
    pub deleted: bool,
}

impl Crew {
    /// What it is called; the counter only grows.
    pub fn name(&self) -> String {
        format!("crew-{} v{:06}", self.number, self.counter)
    }
}

pub(super) struct Crews {
    tenant: String,
    all: Vec<Crew>,
}

impl Crews {
    pub fn new(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), all: Vec::new() }
    }

    pub fn end(self) -> Vec<Crew> {
        self.all
    }

    /// One change of one group, or a new one.
    pub fn change(&mut self, provider: &Provider, random: &mut StdRng, people: &[&str], making: bool) {
        let living = self.all.iter().filter(|crew| !crew.deleted).count();
        if living == 0 || (living < MOST && making && random.random_bool(0.3)) {
            self.make(provider, some_of(random, people));
            return;
        }
        let which = random.random_range(0..living);
        let Some(crew) = self.all.iter_mut().filter(|crew| !crew.deleted).nth(which) else { return };
        match random.random_range(0..12) {
            0..4 => join(provider, crew, some_of(random, people)),
            4..7 => leave(provider, crew, random),
            7..9 => replace(provider, crew, some_of(random, people)),
            9..11 => rename(provider, crew),
            // Another one follows, as long as there are any to be made.
            _ if making => delete(provider, crew),
            _ => rename(provider, crew),
        }
    }

    fn make(&mut self, provider: &Provider, members: BTreeSet<String>) {
        let (tenant, number) = (self.tenant.clone(), self.all.len());
        let mut crew = Crew { tenant, id: String::new(), number, counter: 0, members, deleted: false };
        let members: Vec<String> = crew.members.iter().cloned().collect();
        crew.id = provider.group(&crew.name(), &members);
        self.all.push(crew);
    }
}

fn join(provider: &Provider, crew: &mut Crew, joining: BTreeSet<String>) {
    provider.change_group(&crew.id, &json!([{ "op": "add", "path": "members", "value": values(&joining) }]));
    crew.members.extend(joining);
}

/// Somebody leaves, who may have left already.
fn leave(provider: &Provider, crew: &mut Crew, random: &mut StdRng) {
    let members: Vec<String> = crew.members.iter().cloned().collect();
    let Some(leaving) = members.choose(random) else { return };
    let path = format!("members[value eq {}]", json!(leaving));
    provider.change_group(&crew.id, &json!([{ "op": "remove", "path": path }]));
    crew.members.remove(leaving);
}

fn replace(provider: &Provider, crew: &mut Crew, members: BTreeSet<String>) {
    provider.change_group(&crew.id, &json!([{ "op": "replace", "path": "members", "value": values(&members) }]));
    crew.members = members;
}

fn rename(provider: &Provider, crew: &mut Crew) {
    crew.counter += 1;
    provider.change_group(&crew.id, &json!([{ "op": "replace", "path": "displayName", "value": crew.name() }]));
}

fn delete(provider: &Provider, crew: &mut Crew) {
    provider.delete_group(&crew.id);
    crew.deleted = true;
}

fn some_of(random: &mut StdRng, people: &[&str]) -> BTreeSet<String> {
    people.iter().filter(|_| random.random_bool(0.4)).map(|id| (*id).to_owned()).collect()
}
