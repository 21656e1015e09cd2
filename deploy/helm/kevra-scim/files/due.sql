with clock as (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now)
select (
  select count(*) from ledger l, clock
  where l.dirty_seq > l.seen_seq and l.triage_at <= clock.now
    and (l.lease_until is null or l.lease_until <= clock.now)
) + (
  select count(*) from clock, ledger l
  join target t on t.tenant_id = l.tenant_id and t.state = 'active' and t.quarantined_at is null
  where l.owed_seq > l.acked_seq and l.next_at <= clock.now
    and (l.lease_until is null or l.lease_until <= clock.now)
    and (t.paused_until is null or t.paused_until <= clock.now)
) + (
  select count(*) from clock, group_ledger l
  join target t on t.tenant_id = l.tenant_id and t.state = 'active' and t.quarantined_at is null and t.push_groups
  where l.owed_seq > l.acked_seq and l.next_at <= clock.now
    and (l.lease_until is null or l.lease_until <= clock.now)
    and (t.paused_until is null or t.paused_until <= clock.now)
) as due
