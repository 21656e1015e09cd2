//! Activity is kept for a while: what is older is found by time alone, over all tenants.

crate::table!("m0030_activity_at", r"create index activity_at on activity (at)");
