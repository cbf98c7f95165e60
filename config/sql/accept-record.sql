-- Puts a record into the queue, once: the same record again changes nothing.
insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, payload, origin)
values (cast(:?updateId as uuid), :?workspace, :?id, 'kafka', :?identity, :?actor, 'pending',
        :?payload, cast(:?origin as jsonb))
on conflict (workspace_id, intake, identity) where identity is not null do nothing
returning id
