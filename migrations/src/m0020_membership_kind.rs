//! A member is a user or a nested group.

crate::table!(
    "m0020_membership_kind",
    r"
alter table membership add column kind text not null default 'User';
create index membership_pending on membership (changed_at) where state = 'pending';
"
);
