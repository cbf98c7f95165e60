-- Takes waiting updates, the oldest of each data source only, so that one is worked after the other.
-- A lease that ran out is taken over, and so is one that ends in more than twice its time, because the
-- store's clock was set back meanwhile (a little more than its time is seen by who began before the
-- owner did); the fence makes the former owner's commit void. What this
-- instance itself gave up on when the store was away ("returned", as id:fence) it need not wait for,
-- and it was no attempt. A request under a key whose instance died, and whose sender never asked again,
-- had no effect and no answer: its key is free.
with abandoned as (
  delete from updates
  where id in (
    select id from updates
    where state = 'running'
      and (lease_until < now() - cast(:?lease as bigint) * interval '1 millisecond'
           or lease_until > now() + cast(:?lease as bigint) * interval '2 milliseconds')
    for update skip locked)
), head as (
  select distinct on (workspace_id, data_source_id) id
  from updates
  where state = 'pending'
  order by workspace_id, data_source_id, seq
), free as (
  select u.id, u.id || ':' || u.fence = any (string_to_array(:?returned, ',')) as returned
  from updates u join head using (id)
  where u.state = 'pending'
    and (u.lease_until is null or u.lease_until < now()
         or u.lease_until > now() + cast(:?lease as bigint) * interval '2 milliseconds'
         or u.id || ':' || u.fence = any (string_to_array(:?returned, ',')))
  order by u.seq
  limit :?limit
  for update of u skip locked
)
update updates u
set lease_until = now() + cast(:?lease as bigint) * interval '1 millisecond',
    fence = u.fence + 1, attempts = u.attempts + case when free.returned then 0 else 1 end
from free
where u.id = free.id
returning u.id::text as id, u.seq, u.workspace_id, u.data_source_id, u.intake, u.identity, u.actor, u.payload,
          u.origin::text as origin, u.attempts, u.fence
