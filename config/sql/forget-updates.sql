-- Removes receipts of updates that changed nothing and ended longer ago than is kept, some at a time.
-- Those that made a version stay with it: they are its history.
with old as (
  select id from updates
  where finished_at < now() - cast(:?keep as bigint) * interval '1 millisecond'
    and state in ('failed', 'dead')
  order by finished_at
  limit :?limit
  for update skip locked
), gone as (
  delete from updates u using old where u.id = old.id
  returning u.id
)
select count(*) as removed from gone
