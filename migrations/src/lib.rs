//! The schema, one file per table, forward only.
//!
//! Plain SQL that PostgreSQL and SQLite both take: no column defaults for times (the program sets them, in
//! microseconds since the epoch), no arrays, every constraint named because errors are mapped by name.
//! A change of a table is a new file behind these; it must leave the previous version of the program running
//! (expand first, contract in a later release).

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod lock;

pub use lock::{Error, migrate, pending};

/// One migration: its name and the statements it runs, separated by `;`.
#[macro_export]
#[doc(hidden)]
macro_rules! table {
    ($name:literal, $sql:literal) => {
        /// The migration of this file.
        pub struct Migration;

        impl sea_orm_migration::MigrationName for Migration {
            fn name(&self) -> &str {
                $name
            }
        }

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            async fn up(&self, manager: &sea_orm_migration::SchemaManager) -> Result<(), sea_orm_migration::DbErr> {
                $crate::run(manager, $sql).await
            }
        }
    };
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    for statement in sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

mod m0001_cluster;
mod m0002_tenant;
mod m0003_tenant_option;
mod m0004_inbound_token;
mod m0005_target;
mod m0006_realm_credential;
mod m0007_audit_entry;
mod m0008_directory_user;
mod m0009_reservation;
mod m0010_directory_group;
mod m0011_membership;
mod m0012_ledger;
mod m0013_link;
mod m0014_realm_watch;
mod m0015_seen_event;
mod m0016_activity;
mod m0017_realm_person;
mod m0018_directory_user_email;
mod m0019_directory_group_realm;
mod m0020_membership_kind;
mod m0021_group_reservation;
mod m0022_tenant_option_schemas;
mod m0023_inbound_contact;
mod m0024_activity_detail;
mod m0025_ledger_capture;
mod m0026_directory_protected;
mod m0027_realm_watch_work;
mod m0028_tenant_frozen;
mod m0029_ledger_assert;
mod m0030_activity_at;
mod m0031_ledger_parked;
mod m0032_link_candidate;
mod m0033_backfill;
mod m0034_target_option;
mod m0035_departure;
mod m0036_reservation_fate;
mod m0037_realm_watch_role;
mod m0038_absence;
mod m0040_directory_group_look;
mod m0041_group_push;
mod m0045_absence_seen;
mod m0046_activity_realm_calls;
mod m0050_group_absence;
mod m0055_backfill_group;
mod m0056_pushed_member_taken_out;
mod m0057_realm_person_attributes;
mod m0058_group_reservation_adopts;
mod m0059_any_username;
mod m0060_ledger_fewer_indexes;
mod m0061_realm_watch_survey;
mod m0062_directory_protected_index;
mod m0063_directory_user_switched_off;
mod m0064_directory_claim;
mod m0065_link_create_looked;

/// All migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_cluster::Migration),
            Box::new(m0002_tenant::Migration),
            Box::new(m0003_tenant_option::Migration),
            Box::new(m0004_inbound_token::Migration),
            Box::new(m0005_target::Migration),
            Box::new(m0006_realm_credential::Migration),
            Box::new(m0007_audit_entry::Migration),
            Box::new(m0008_directory_user::Migration),
            Box::new(m0009_reservation::Migration),
            Box::new(m0010_directory_group::Migration),
            Box::new(m0011_membership::Migration),
            Box::new(m0012_ledger::Migration),
            Box::new(m0013_link::Migration),
            Box::new(m0014_realm_watch::Migration),
            Box::new(m0015_seen_event::Migration),
            Box::new(m0016_activity::Migration),
            Box::new(m0017_realm_person::Migration),
            Box::new(m0018_directory_user_email::Migration),
            Box::new(m0019_directory_group_realm::Migration),
            Box::new(m0020_membership_kind::Migration),
            Box::new(m0021_group_reservation::Migration),
            Box::new(m0022_tenant_option_schemas::Migration),
            Box::new(m0023_inbound_contact::Migration),
            Box::new(m0024_activity_detail::Migration),
            Box::new(m0025_ledger_capture::Migration),
            Box::new(m0026_directory_protected::Migration),
            Box::new(m0027_realm_watch_work::Migration),
            Box::new(m0028_tenant_frozen::Migration),
            Box::new(m0029_ledger_assert::Migration),
            Box::new(m0030_activity_at::Migration),
            Box::new(m0031_ledger_parked::Migration),
            Box::new(m0032_link_candidate::Migration),
            Box::new(m0033_backfill::Migration),
            Box::new(m0034_target_option::Migration),
            Box::new(m0035_departure::Migration),
            Box::new(m0036_reservation_fate::Migration),
            Box::new(m0037_realm_watch_role::Migration),
            Box::new(m0038_absence::Migration),
            Box::new(m0040_directory_group_look::Migration),
            Box::new(m0041_group_push::Migration),
            Box::new(m0045_absence_seen::Migration),
            Box::new(m0046_activity_realm_calls::Migration),
            Box::new(m0050_group_absence::Migration),
            Box::new(m0055_backfill_group::Migration),
            Box::new(m0056_pushed_member_taken_out::Migration),
            Box::new(m0057_realm_person_attributes::Migration),
            Box::new(m0058_group_reservation_adopts::Migration),
            Box::new(m0059_any_username::Migration),
            Box::new(m0060_ledger_fewer_indexes::Migration),
            Box::new(m0061_realm_watch_survey::Migration),
            Box::new(m0062_directory_protected_index::Migration),
            Box::new(m0063_directory_user_switched_off::Migration),
            Box::new(m0064_directory_claim::Migration),
            Box::new(m0065_link_create_looked::Migration),
        ]
    }
}
