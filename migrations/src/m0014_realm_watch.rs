//! Capture of one realm: identity, poll cursor, owner by lease, and the key of this tenant's digests.

crate::table!(
    "m0014_realm_watch",
    r"
create table realm_watch (
    tenant_id uuid not null constraint realm_watch_pk primary key
        constraint realm_watch_tenant_fk references tenant (id) on delete cascade,
    realm_uuid uuid,
    cursor_ms bigint,
    poll_epoch bigint not null default 0,
    poll_until bigint,
    next_poll_at bigint not null,
    digest_key bytea not null,
    client_ids text not null default '[]',
    events_before text,
    realm_generation bigint not null default 1,
    import_done_at bigint,
    compare_at bigint
);
create index realm_watch_due on realm_watch (next_poll_at);
"
);
