-- Takes held changes that are to be tried again, each under a lease. "expired" are those that have
-- waited long enough: this time is the last.
with due as (
  select id from updates
  where state = 'held' and lease_until <= now()
  order by lease_until
  limit :?limit
  for update skip locked
)
update updates u
set lease_until = now() + cast(:?lease as bigint) * interval '1 millisecond', fence = u.fence + 1
from due
where u.id = due.id
returning u.id::text as id, u.workspace_id, u.data_source_id, u.intake, u.identity, u.actor, u.payload,
          u.version, u.fence, u.reason,
          u.received_at < now() - cast(:?keep as bigint) * interval '1 millisecond' as expired
