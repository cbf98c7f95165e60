-- The request was refused before anything was tested: its key may be used again.
-- The row is found by its id before its state is asked for: by that alone a plan from a time when nothing
-- was running would search all that are.
with own as (
  select id, state from updates
  where id = cast(:?updateId as uuid) and fence = :?fence
  for update
)
delete from updates u
using own
where u.id = own.id and own.state = 'running'
returning u.id
