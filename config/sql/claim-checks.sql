-- Takes data sources whose check is due, those that wait longest first, each under a lease: nobody
-- else sees it as due before the lease ends, and the fence makes a late owner's finding void. What
-- has no schedule yet, being new or changed, gets a place somewhere within one interval, so that
-- what was created together is not checked together. So does what would be checked only after more than
-- twice the longest pause: it is from before the store's clock was set back.
with fresh as (
  select workspace_id, id from data_sources
  where next_check is null
  limit 1000
  for update skip locked
), ahead as (
  select workspace_id, id from data_sources
  where next_check > now() + cast(:?longest as bigint) * interval '2 milliseconds'
  order by next_check desc
  limit 1000
  for update skip locked
), scheduled as (
  update data_sources d
  set next_check = now() + random() * cast(:?interval as bigint) * interval '1 millisecond'
  from (select workspace_id, id from fresh union all select workspace_id, id from ahead) as unplaced
  where d.workspace_id = unplaced.workspace_id and d.id = unplaced.id
), due as (
  select workspace_id, id from data_sources
  where next_check <= now()
  order by next_check
  limit :?limit
  for update skip locked
)
update data_sources d
set next_check = now() + cast(:?lease as bigint) * interval '1 millisecond',
    check_fence = d.check_fence + 1
from due
where d.workspace_id = due.workspace_id and d.id = due.id
returning d.workspace_id, d.id, d.version, d.status, d.settings::text as settings, d.secrets::text as secrets,
          d.last_test::text as last_test, d.published_at, d.created_by, d.updated_by,
          d.outcomes, d.warned::text as warned, d.check_fence
