-- A held change that could not be tried now.
-- The row is found by its id before its state is asked for: by that alone a plan from a time when nothing
-- was held would search all that are.
with own as (
  select id, state from updates
  where id = cast(:?updateId as uuid) and fence = :?fence
  for update
)
update updates u
set lease_until = now() + cast(:?pause as bigint) * interval '1 millisecond'
from own
where u.id = own.id and own.state = 'held'
returning u.id
