-- Gives a claimed update back, to be tried again a little later.
-- The commit is not waited for: if a crash of the server loses it, the lease runs out instead, and one
-- attempt more is counted.
with fast as materialized (
  select set_config('synchronous_commit', 'off', true) as setting
)
update updates u
set lease_until = now() + cast(:?pause as bigint) * interval '1 millisecond',
    attempts = attempts - 1
from fast
where u.id = cast(:?updateId as uuid) and u.state = 'pending' and u.fence = :?fence
returning u.id
