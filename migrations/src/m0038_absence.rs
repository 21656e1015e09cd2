//! Users a realm did not find, and did not say were deleted: one is believed after a while, a mass of them never. Kept for
//! minutes.

crate::table!(
    "m0038_absence",
    r"
create table absence (
    tenant_id uuid not null constraint absence_tenant_fk references tenant (id) on delete cascade,
    user_id uuid not null,
    at bigint not null,
    constraint absence_pk primary key (tenant_id, user_id)
);
create index absence_at on absence (at);
"
);
