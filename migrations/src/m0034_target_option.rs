//! What a tenant chose for its downstream, and what was last alarmed about.

crate::table!(
    "m0034_target_option",
    r"
alter table target add column on_delete text not null default 'nothing';
alter table target add column hold_mass boolean not null default false;
alter table target add column alarmed_at bigint;
"
);
