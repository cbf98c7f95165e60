-- The change of a data source that waits for its database, for whoever wants it ended. Of two that were
-- held at the same moment neither saw the other: the older one is over here, too.
with waiting as (
  select u.id, u.intake, u.identity, u.fence, u.seq
  from data_sources d
  join updates u on u.workspace_id = d.workspace_id and u.data_source_id = d.id
  where d.workspace_id = :?workspace and d.id = :?id
    and u.state = 'held' and u.version = d.version and u.reason <> 'SUPERSEDED'
), older as (
  select id from updates
  where id in (select id from waiting where seq < (select max(seq) from waiting)) and state = 'held'
  order by id
  for update
), over as (
  update updates u
  set reason = 'SUPERSEDED', lease_until = now(), fence = u.fence + 1
  from older
  where u.id = older.id
)
select id::text as id, intake, identity, fence
from waiting
order by seq desc
limit 1
