-- A held change that could not be tried now.
update updates
set lease_until = now() + cast(:?pause as bigint) * interval '1 millisecond'
where id = cast(:?updateId as uuid) and state = 'held' and fence = :?fence
returning id
