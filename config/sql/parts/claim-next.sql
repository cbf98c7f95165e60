-- With the end of an update ("receipt") goes the claim of the next one that waits for the same data source,
-- if its worker has time for it ("lease"): the oldest one, and only where claim-updates could take it, too.
-- So between two updates of a data source nothing is asked and nothing is waited for.
next as (
  update updates u
  set lease_until = now() + cast(:?lease as bigint) * interval '1 millisecond',
      fence = u.fence + 1, attempts = u.attempts + 1
  from receipt
  cross join lateral (
    select workspace_id, data_source_id, seq
    from updates
    where state = 'pending' and workspace_id = :?workspace and data_source_id = :?id
      and id <> cast(:?updateId as uuid)
    order by seq
    limit 1
  ) oldest
  cross join lateral (
    select w.id
    from updates w
    where w.workspace_id = oldest.workspace_id and w.data_source_id = oldest.data_source_id
      and w.seq = oldest.seq and w.state = 'pending'
      and (w.lease_until is null or w.lease_until < now())
      and cast(:?lease as bigint) is not null
    for update skip locked
  ) free
  where u.id = free.id
  returning u.id::text as id, u.seq, u.workspace_id, u.data_source_id, u.intake, u.identity, u.actor, u.payload,
            u.origin::text as origin, u.attempts, u.fence
)
