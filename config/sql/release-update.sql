-- Gives a claimed update back, to be tried again a little later.
-- The commit is not waited for: if a crash of the server loses it, the lease runs out instead, and one
-- attempt more is counted.
-- The row is found by its id before its state is asked for: by that alone a plan from a time when nothing
-- was pending would search all that are.
with fast as materialized (
  select set_config('synchronous_commit', 'off', true) as setting
), own as (
  select id, state from updates
  where id = cast(:?updateId as uuid) and fence = :?fence
  for update
)
update updates u
set lease_until = now() + cast(:?pause as bigint) * interval '1 millisecond',
    attempts = attempts - 1
from fast, own
where u.id = own.id and own.state = 'pending'
returning u.id
