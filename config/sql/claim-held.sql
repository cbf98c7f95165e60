-- Takes held changes that are to be tried again, each under a lease. "expired" are those that have
-- waited long enough: this time is the last. What would be tried again only after more than twice the longest
-- pause is from before the store's clock was set back. Of two that were held at the same moment neither saw
-- the other: the older one is over.
with due as (
  select id from updates
  where state = 'held'
    and (lease_until <= now()
         or lease_until > now() + cast(:?longest as bigint) * interval '2 milliseconds')
  order by lease_until
  limit :?limit
  for update skip locked
)
update updates u
set lease_until = now() + cast(:?lease as bigint) * interval '1 millisecond', fence = u.fence + 1
from due
where u.id = due.id
returning u.id::text as id, u.workspace_id, u.data_source_id, u.intake, u.identity, u.actor, u.payload,
          u.version, u.fence,
          case when exists (
                 select 1 from updates newer
                 where newer.workspace_id = u.workspace_id and newer.data_source_id = u.data_source_id
                   and newer.state = 'held' and newer.seq > u.seq and newer.reason <> 'SUPERSEDED')
               then 'SUPERSEDED' else u.reason end as reason,
          u.received_at < now() - cast(:?keep as bigint) * interval '1 millisecond' as expired
