-- The commit of a new data source that passed its test: row, history, receipt and event, or nothing
-- where the id is taken, or was so for a while, or where the lease of the update went to somebody else
-- meanwhile, which is told ("lost").
with
include turn
, lease as (
  select id from updates
  where id = cast(:?updateId as uuid) and state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)
    and exists (select from turn)
  for update
), saved as (
  insert into data_sources (workspace_id, id, version, driver, host, status, settings, secrets,
                            last_test, published_at, created_at, created_by, updated_by)
  select :?workspace, :?id, :?version, :?driver, :?host, 'reachable', cast(:?settings as jsonb),
         cast(:?secrets as jsonb), cast(:?report as json), :?now, :?now, :?actor, :?actor
  where exists (select from turn)
    and (cast(:?fence as bigint) is null or exists (select 1 from lease))
    and not exists (select 1 from data_source_versions v
                    where v.workspace_id = :?workspace and v.id = :?id
                      and v.version >= cast(:?version as bigint))
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
      changed = excluded.changed, finished_at = excluded.finished_at, seq = default, payload = null,
      lease_until = null
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select cast(:?updateId as uuid), workspace_id, :?topic, :?key, cast(:?headers as jsonb), :?body
  from saved
)
select saved.version, saved.version is null as lost
from (values (1)) as one (row)
left join saved on true
where saved.version is not null
   or (cast(:?fence as bigint) is not null and not exists (select 1 from lease))
