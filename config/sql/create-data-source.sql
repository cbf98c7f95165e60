-- The commit of a new data source that passed its test: row, history, receipt and event, or nothing
-- where the id is taken.
with lease as (
  select id from updates
  where id = cast(:?updateId as uuid) and state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)
  for update
), saved as (
  insert into data_sources (workspace_id, id, version, driver, host, status, settings, secrets,
                            last_test, published_at, created_at, created_by, updated_by)
  select :?workspace, :?id, :?version, :?driver, :?host, 'reachable', cast(:?settings as jsonb),
         cast(:?secrets as jsonb), cast(:?report as json), :?now, :?now, :?actor, :?actor
  where cast(:?fence as bigint) is null or exists (select 1 from lease)
  on conflict do nothing
  returning workspace_id, id, version, settings, secrets, published_at, created_by
), history as (
  insert into data_source_versions
  select workspace_id, id, version, settings, secrets, cast(:?changed as jsonb),
         cast(:?report as json), cast(:?updateId as uuid), published_at, created_by, :?actor
  from saved
), receipt as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, version,
                       report, changed, finished_at)
  select cast(:?updateId as uuid), workspace_id, id, :?intake, cast(:?identity as text), :?actor,
         'applied', version, cast(:?report as json), cast(:?changed as jsonb), now()
  from saved
  on conflict (id) do update
  set state = 'applied', version = excluded.version, report = excluded.report,
      changed = excluded.changed, finished_at = excluded.finished_at, payload = null,
      lease_until = null
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select cast(:?updateId as uuid), workspace_id, :?topic, :?key, cast(:?headers as jsonb), :?body
  from saved
)
select version, created_by from saved
