//! Linking by a person: the record that was shown (its id and a keyed digest), and that a link was made that way, so that
//! the next push may write our externalId into a record that does not have it yet.

crate::table!(
    "m0032_link_candidate",
    r"
alter table link add column candidate_id text;
alter table link add column candidate_digest text;
alter table link add column adopted boolean not null default false;
"
);
