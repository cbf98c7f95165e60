-- Takes waiting updates, the oldest of each data source only, so that one is worked after the other.
-- Data sources take turns: the search begins behind the one that was served last ("afterWorkspace",
-- "afterDataSource"), goes round once, and ends when it has found enough. Each step is one probe of an
-- index, however many updates wait; only what is leased or put off is passed over. What goes through
-- the probes has to stay lazy: no sort and no hash of all heads. And each row is looked for by the whole
-- key of the index: by its id and state, a plan from a time when nothing was pending would search all that are.
-- A lease that ran out is taken over, and so is one that ends in more than twice its time, because the
-- store's clock was set back meanwhile (a little more than its time is seen by who began before the
-- owner did); the fence makes the former owner's commit void. What this
-- instance itself gave up on when the store was away ("returned", as id:fence) it need not wait for,
-- and it was no attempt. Nor need it for what it put off itself and there may be a place for now
-- ("called", too). A request under a key whose instance died, and whose sender never asked again,
-- had no effect and no answer: its key is free.
-- The commit is not waited for. A server that crashes can lose the last claims, and nothing behind them
-- that is durable, since its log is written in order: so the lost update has no outcome, it is claimed
-- again, and perhaps under the same fence. Then two may work it, but the outcome of the first ends its
-- state 'pending', the lease and the row's key refuse the second, and there is one effect and one event.
with recursive fast as materialized (
  select set_config('synchronous_commit', 'off', true) as setting
), abandoned as (
  delete from updates
  where id in (
    select id from updates
    where state = 'running'
      and (lease_until < now() - cast(:?lease as bigint) * interval '1 millisecond'
           or lease_until > now() + cast(:?lease as bigint) * interval '2 milliseconds')
    for update skip locked)
), head (workspace_id, data_source_id, seq, turn, lap) as (
  select cast(:?afterWorkspace as text), cast(:?afterDataSource as text), cast(null as bigint), 0, 0
  from fast
  union all
  select next.workspace_id, next.data_source_id, next.seq, head.turn + 1, next.lap
  from head
  cross join lateral (
    (select probe.workspace_id, probe.data_source_id, probe.seq, head.lap
     from (select u.workspace_id, u.data_source_id, u.seq
           from updates u
           where u.state = 'pending'
             and (u.workspace_id, u.data_source_id) > (head.workspace_id, head.data_source_id)
           order by u.workspace_id, u.data_source_id, u.seq
           limit 1) probe
     where head.lap = 0
        or (probe.workspace_id, probe.data_source_id)
           <= (cast(:?afterWorkspace as text), cast(:?afterDataSource as text)))
    union all
    select '', '', null, 1 where head.lap = 0
    order by 4
    limit 1
  ) next
), free as (
  select claimable.id, claimable.returned, head.turn
  from head
  cross join lateral (
    select u.id, u.id || ':' || u.fence = any (string_to_array(:?returned, ',')) as returned
    from updates u
    where u.workspace_id = head.workspace_id and u.data_source_id = head.data_source_id
      and u.seq = head.seq and u.state = 'pending'
      and (u.lease_until is null or u.lease_until < now()
           or u.lease_until > now() + cast(:?lease as bigint) * interval '2 milliseconds'
           or u.id || ':' || u.fence = any (string_to_array(:?returned, ','))
           or u.id || ':' || u.fence = any (string_to_array(:?called, ',')))
    for update skip locked
  ) claimable
  limit :?limit
)
update updates u
set lease_until = now() + cast(:?lease as bigint) * interval '1 millisecond',
    fence = u.fence + 1, attempts = u.attempts + case when free.returned then 0 else 1 end
from free
where u.id = free.id
returning u.id::text as id, u.seq, u.workspace_id, u.data_source_id, u.intake, u.identity, u.actor, u.payload,
          u.origin::text as origin, u.attempts, u.fence, free.turn
