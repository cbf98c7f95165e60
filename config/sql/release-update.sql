-- Gives a claimed update back, to be tried again a little later.
update updates
set lease_until = now() + cast(:?pause as bigint) * interval '1 millisecond',
    attempts = attempts - 1
where id = cast(:?updateId as uuid) and state = 'pending' and fence = :?fence
returning id
