-- Puts a record into the queue, once: the same record again changes nothing. Another content under an
-- identity that was used is a dead letter, so that nothing vanishes.
with known as (
  select request_hash from updates
  where workspace_id = :?workspace and intake = 'kafka' and identity = :?identity
), accepted as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, request_hash, actor,
                       state, payload, origin)
  values (cast(:?updateId as uuid), :?workspace, :?id, 'kafka', :?identity, :?hash, :?actor,
          'pending', :?payload, cast(:?origin as jsonb))
  on conflict (workspace_id, intake, identity) where identity is not null do nothing
  returning id
), reused as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, reason,
                       origin, finished_at)
  select cast(:?updateId as uuid), :?workspace, :?id, 'kafka', :?deadIdentity, :?actor, 'dead',
         'KEY_REUSED', cast(:?origin as jsonb), now()
  from known
  where request_hash <> :?hash
  on conflict (workspace_id, intake, identity) where identity is not null do nothing
  returning id
), letter as (
  insert into outbox (event_id, topic, record_key, headers, body)
  select id, :?topic, cast(:?key as bytea), cast(:?headers as jsonb), :?body
  from reused
)
select id from accepted
