//! When a record whose POST was not confirmed was first looked for and not found: another POST needs a second such look, later.

crate::table!(
    "m0065_link_create_looked",
    r"
alter table link add column create_looked_at bigint;
alter table group_link add column create_looked_at bigint;
"
);
