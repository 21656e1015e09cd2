//! Who stands in a group downstream, as far as we brought it about. A row is written unsure before the call that adds or
//! removes a member and made sure, or removed, when the call is confirmed: whatever dies or gets lost in between leaves a
//! row that says so. Every write is under the group's claim.
//!
//! Whoever is taken out while a late write may still put them back is remembered as taken out, and is taken out once more
//! when none can come any more: a group too long to be read shows them to nobody (K18).

use std::collections::BTreeSet;

use registry::{Db, TargetId, TenantId};
use sea_orm::{DatabaseTransaction, FromQueryResult, Value};
use uuid::Uuid;

use crate::{Error, finish, finish_if, sql};

/// Rows of one statement: databases bound the number of values.
const CHUNK: usize = 200;

/// A group at a target, held by a claim.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The tenant.
    pub tenant: TenantId,
    /// The group.
    pub group: Uuid,
    /// The target.
    pub target: TargetId,
    /// The claim.
    pub epoch: i64,
    /// A write from before the claim may still arrive.
    pub late: bool,
}

/// A member by both of its names.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Member {
    /// The realm user.
    pub user_id: Uuid,
    /// Its record downstream.
    pub downstream_id: String,
    /// The target generation in which the record was last shown to be ours (K22).
    pub verified_generation: i64,
}

/// Members who should stand in the group and are not known to, oldest first: those who have a record at the target.
pub async fn missing(db: &Db, held: &Held, limit: u32) -> Result<Vec<Member>, Error> {
    let text = "select m.user_id, l.downstream_id, l.verified_generation from membership m
             join link l on l.tenant_id = m.tenant_id and l.user_id = m.user_id and l.target_id = $3
         where m.tenant_id = $1 and m.group_id = $2 and m.desired and m.kind = 'User' and l.downstream_id is not null
             and l.verified_generation >= 0 and not exists (
                 select 1 from pushed_member p where p.tenant_id = $1 and p.group_id = $2 and p.target_id = $3
                     and p.user_id = m.user_id and p.downstream_id = l.downstream_id and p.sure)
         order by m.changed_at, m.user_id limit $4";
    sql::all(db.connection(), text, limited(held, limit)).await
}

/// Records that may stand in the group and should not: their user is no member, or has another record. Not those who were
/// taken out, as long as a late write may still come.
pub async fn surplus(db: &Db, held: &Held, limit: u32) -> Result<Vec<Member>, Error> {
    let settled = if held.late { "and not p.taken_out" } else { "" };
    let text = format!(
        "select p.user_id, p.downstream_id, cast(0 as bigint) as verified_generation from pushed_member p
         where p.tenant_id = $1 and p.group_id = $2 and p.target_id = $3 {settled} and not exists (
             select 1 from membership m join link l on l.tenant_id = m.tenant_id and l.user_id = m.user_id
                 and l.target_id = $3 and l.downstream_id = p.downstream_id
             where m.tenant_id = $1 and m.group_id = $2 and m.user_id = p.user_id and m.desired and m.kind = 'User')
         order by p.user_id, p.downstream_id limit $4"
    );
    sql::all(db.connection(), &text, limited(held, limit)).await
}

/// Every record that stands in the group, as far as is known.
pub async fn standing(db: &Db, held: &Held) -> Result<Vec<Member>, Error> {
    let text = "select user_id, downstream_id, cast(0 as bigint) as verified_generation from pushed_member
         where tenant_id = $1 and group_id = $2 and target_id = $3";
    sql::all(db.connection(), text, known(held)).await
}

/// Whether a group holds whom it should hold, and nobody of ours besides; nothing is learned from it (K27). `records` are
/// those that stand in it, where they could be read.
pub async fn in_step(db: &Db, held: &Held, records: Option<&BTreeSet<String>>) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Wanted {
        downstream_id: Option<String>,
    }
    #[derive(FromQueryResult)]
    struct Number {
        number: i64,
    }
    let Some(records) = records else {
        return Ok(missing(db, held, 1).await?.is_empty() && surplus(db, held, 1).await?.is_empty());
    };
    let text = "select l.downstream_id from membership m
             left join link l on l.tenant_id = m.tenant_id and l.user_id = m.user_id and l.target_id = $3
         where m.tenant_id = $1 and m.group_id = $2 and m.desired and m.kind = 'User'";
    let wanted: Vec<Wanted> = sql::all(db.connection(), text, known(held)).await?;
    // Who has no record yet joins with it.
    let wanted: Option<BTreeSet<String>> = wanted.into_iter().map(|member| member.downstream_id).collect();
    let Some(wanted) = wanted.filter(|wanted| wanted.is_subset(records)) else { return Ok(false) };
    let others: Vec<&String> = records.difference(&wanted).collect();
    for chunk in others.chunks(CHUNK) {
        let places: Vec<String> = (3..chunk.len() + 3).map(|place| format!("${place}")).collect();
        let text = format!(
            "select count(*) as number from link where tenant_id = $1 and target_id = $2 and downstream_id in ({})",
            places.join(", ")
        );
        let values = [held.tenant.0.into(), held.target.0.into()];
        let values = values.into_iter().chain(chunk.iter().map(|id| Value::from(id.as_str())));
        let ours: Option<Number> = sql::one(db.connection(), &text, values).await?;
        if ours.is_some_and(|ours| ours.number > 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Before a call about some members: whatever comes of it, they may stand there. `false` if the claim is no longer ours.
pub async fn unsure(db: &Db, held: &Held, members: &[Member]) -> Result<bool, Error> {
    under(db, held, async |transaction| write(transaction, held, members, false).await).await
}

/// Members were added for sure.
pub async fn added(db: &Db, held: &Held, members: &[Member]) -> Result<bool, Error> {
    under(db, held, async |transaction| write(transaction, held, members, true).await).await
}

/// Members were added, or may be yet, under a claim that may not be ours any more: whoever holds it now may have taken them out
/// before. That they may stand there is noted under any claim.
pub async fn late(db: &Db, held: &Held, members: &[Member]) -> Result<(), Error> {
    let transaction = db.begin().await?;
    let outcome = write(&transaction, held, members, false).await;
    finish(transaction, outcome).await
}

/// Before a call that takes members out: whatever comes of it, they are not sure to stand there.
pub async fn leaving(db: &Db, held: &Held, members: &[Member]) -> Result<bool, Error> {
    let leaving = format!("update pushed_member set sure = false, leaving_epoch = {}", held.epoch);
    each(db, held, members, &leaving, "").await
}

/// Members were removed for sure. A late write may put them back; whoever is noted to have been put back since stays noted.
pub async fn removed(db: &Db, held: &Held, members: &[Member]) -> Result<bool, Error> {
    each(db, held, members, gone(held), &format!("and leaving_epoch = {}", held.epoch)).await
}

/// Whoever is gone for sure is remembered as long as a late write may put them back.
fn gone(held: &Held) -> &'static str {
    if held.late { "update pushed_member set sure = false, taken_out = true" } else { "delete from pushed_member" }
}

/// Whether a record was taken out before, and may only have come back by a late write.
pub async fn was_taken_out(db: &Db, held: &Held, member: &Member) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct TakenOut {
        taken_out: bool,
    }
    let text = "select taken_out from pushed_member
         where tenant_id = $1 and group_id = $2 and target_id = $3 and user_id = $4 and downstream_id = $5";
    let values = known(held).into_iter().chain(named(std::slice::from_ref(member)));
    let row: Option<TakenOut> = sql::one(db.connection(), text, values).await?;
    Ok(row.is_some_and(|row| row.taken_out))
}

/// The group was read, as far as it can be: of the records that it shows, those are ours that are anybody's link, or were put
/// there by us. Whoever it does not show may stand there all the same: some applications show nobody, some no more than so
/// many. `false` if the claim is no longer ours.
pub async fn learn(db: &Db, held: &Held, records: &[String]) -> Result<bool, Error> {
    under(db, held, async |transaction| {
        let within = "tenant_id = $1 and group_id = $2 and target_id = $3";
        let text = format!("update pushed_member set sure = false where {within}");
        sql::execute(transaction, &text, known(held)).await?;
        for chunk in records.chunks(CHUNK) {
            let places: Vec<String> = (4..chunk.len() + 4).map(|place| format!("${place}")).collect();
            let (places, values) =
                (places.join(", "), || known(held).into_iter().chain(chunk.iter().map(|id| Value::from(id.as_str()))));
            let text = format!(
                "update pushed_member set sure = true, taken_out = false where {within} and downstream_id in ({places})"
            );
            sql::execute(transaction, &text, values()).await?;
            let text = format!(
                "insert into pushed_member (tenant_id, group_id, target_id, user_id, downstream_id, sure)
                 select $1, $2, $3, user_id, downstream_id, true from link
                 where tenant_id = $1 and target_id = $3 and downstream_id in ({places})
                 on conflict (tenant_id, group_id, target_id, user_id, downstream_id) do nothing"
            );
            sql::execute(transaction, &text, values()).await?;
        }
        Ok(())
    })
    .await
}

/// Whether anybody may stand in the group who is not shown to.
pub async fn hides(db: &Db, held: &Held) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Hidden {
        #[expect(dead_code, reason = "that there is one is what counts")]
        user_id: Uuid,
    }
    let text = "select user_id from pushed_member
         where tenant_id = $1 and group_id = $2 and target_id = $3 and not sure limit 1";
    Ok(sql::one::<Hidden>(db.connection(), text, known(held)).await?.is_some())
}

/// The record was just made: nobody stands in it. `false` if the claim is no longer ours.
pub async fn made(db: &Db, held: &Held) -> Result<bool, Error> {
    under(db, held, async |transaction| {
        let text = format!("{} where tenant_id = $1 and group_id = $2 and target_id = $3", gone(held));
        sql::execute(transaction, &text, known(held)).await?;
        Ok(())
    })
    .await
}

/// A record was shown to be the user's, or not to be, under any claim: members are added only where it is (K22). Says
/// nothing of a link that leads elsewhere by now.
pub async fn verified(db: &Db, held: &Held, member: &Member, generation: Option<i64>) -> Result<(), Error> {
    let text = "update link set verified_generation = $5
         where tenant_id = $1 and user_id = $2 and target_id = $3 and downstream_id = $4";
    let values = [
        held.tenant.0.into(),
        member.user_id.into(),
        held.target.0.into(),
        member.downstream_id.clone().into(),
        generation.unwrap_or(-1).into(),
    ];
    sql::execute(db.connection(), text, values).await?;
    Ok(())
}

async fn write(transaction: &DatabaseTransaction, held: &Held, members: &[Member], sure: bool) -> Result<(), Error> {
    for chunk in members.chunks(CHUNK) {
        let rows: Vec<String> =
            (0..chunk.len()).map(|row| format!("($1, $2, $3, ${}, ${}, {sure})", 4 + 2 * row, 5 + 2 * row)).collect();
        let text = format!(
            "insert into pushed_member (tenant_id, group_id, target_id, user_id, downstream_id, sure) values {}
             on conflict (tenant_id, group_id, target_id, user_id, downstream_id) do update
                 set sure = excluded.sure, taken_out = false, leaving_epoch = null",
            rows.join(", ")
        );
        sql::execute(transaction, &text, known(held).into_iter().chain(named(chunk))).await?;
    }
    Ok(())
}

/// One statement about the rows of some members.
async fn each(db: &Db, held: &Held, members: &[Member], what: &str, only: &str) -> Result<bool, Error> {
    under(db, held, async |transaction| {
        for chunk in members.chunks(CHUNK) {
            let pairs = pairs(chunk.len());
            let text = format!(
                "{what} where tenant_id = $1 and group_id = $2 and target_id = $3 {only}
                     and (user_id, downstream_id) in (values {pairs})"
            );
            sql::execute(transaction, &text, known(held).into_iter().chain(named(chunk))).await?;
        }
        Ok(())
    })
    .await
}

/// One transaction in which the claim is ours.
async fn under(
    db: &Db,
    held: &Held,
    work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<(), Error>,
) -> Result<bool, Error> {
    #[derive(FromQueryResult)]
    struct Epoch {
        epoch: i64,
    }
    let transaction = db.begin().await?;
    let outcome = async {
        let text = format!(
            "select epoch from group_ledger where tenant_id = $1 and group_id = $2 {}",
            sql::for_update(&transaction)
        );
        let row: Option<Epoch> = sql::one(&transaction, &text, [held.tenant.0.into(), held.group.into()]).await?;
        if row.is_none_or(|row| row.epoch != held.epoch) {
            return Ok(false);
        }
        work(&transaction).await?;
        Ok(true)
    }
    .await;
    finish_if(transaction, outcome, |ours| *ours).await
}

fn known(held: &Held) -> [Value; 3] {
    [held.tenant.0.into(), held.group.into(), held.target.0.into()]
}

fn limited(held: &Held, limit: u32) -> [Value; 4] {
    [held.tenant.0.into(), held.group.into(), held.target.0.into(), i64::from(limit).into()]
}

fn named(members: &[Member]) -> impl Iterator<Item = Value> {
    members.iter().flat_map(|member| [member.user_id.into(), member.downstream_id.clone().into()])
}

fn pairs(count: usize) -> String {
    let pairs: Vec<String> = (0..count).map(|row| format!("(${}, ${})", 4 + 2 * row, 5 + 2 * row)).collect();
    pairs.join(", ")
}
