-- Takes an Idempotency-Key for one request. A claim whose owner died is taken over by the same
-- request; one that ends in more than twice its time is from before the store's clock was set back. So is
-- one that this instance could not give back when the store was away ("unreleased", as id:fence); the
-- fence makes what its owner may still have under way void. No row: the key is taken, be it by an
-- operation of another kind. A request that names no id for a new data source gets the one that its first
-- attempt was given.
insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, request_hash,
                     lease_until, fence)
values (cast(:?updateId as uuid), :?workspace, :?id, :?intake, :?identity, :?actor, 'running', :?hash,
        now() + cast(:?lease as bigint) * interval '1 millisecond', 1)
on conflict (workspace_id, identity) where identity is not null and intake <> 'kafka' do update
set lease_until = excluded.lease_until, fence = updates.fence + 1
where updates.state = 'running'
  and (updates.lease_until < now()
       or updates.id || ':' || updates.fence = any (string_to_array(:?unreleased, ','))
       or updates.lease_until > now() + cast(:?lease as bigint) * interval '2 milliseconds')
  and updates.request_hash = excluded.request_hash
returning id::text as id, data_source_id, fence
