//! Inbound bearer tokens: hash only. Dead ones stay, so that activity can say when and why.

crate::table!(
    "m0004_inbound_token",
    r"
create table inbound_token (
    hash bytea not null constraint inbound_token_pk primary key,
    tenant_id uuid not null constraint inbound_token_tenant_fk references tenant (id) on delete cascade,
    hint text not null,
    minted_at bigint not null,
    minted_by text not null,
    expires_at bigint,
    died_at bigint,
    died_why text
);
create unique index inbound_token_one_live on inbound_token (tenant_id) where died_at is null;
create index inbound_token_tenant on inbound_token (tenant_id, minted_at);
"
);
