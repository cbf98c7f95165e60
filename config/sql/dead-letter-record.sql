-- A record that can never be an update: its receipt and its dead letter, once.
with receipt as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, reason,
                       origin, finished_at)
  values (cast(:?updateId as uuid), :?workspace, '', 'kafka', :?identity, :?actor, 'dead', :?reason,
          cast(:?origin as jsonb), now())
  on conflict (workspace_id, intake, identity) where identity is not null do nothing
  returning id
)
insert into outbox (event_id, topic, record_key, headers, body)
select id, :?topic, cast(:?key as bytea), cast(:?headers as jsonb), :?body
from receipt
returning event_id
