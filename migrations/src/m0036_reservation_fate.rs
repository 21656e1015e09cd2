//! Creates under way whose fate somebody else decides: whether one takes over somebody the realm had before, whom a crash
//! must not make its own, and whether its request is gone.

crate::table!(
    "m0036_reservation_fate",
    r"
alter table reservation add column adopts boolean not null default false;
alter table reservation add column unsettled boolean not null default false;
alter table group_reservation add column unsettled boolean not null default false;
"
);
