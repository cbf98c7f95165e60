-- The commit of an update that passed its test: new version, history, receipt and event, or nothing.
-- Nothing happens when the version is no longer the one that was tested against, or when the lease
-- of the update went to somebody else meanwhile, which is told ("lost").
with
include turn
, lease as (
  select id from updates
  where id = cast(:?updateId as uuid) and state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)
    and exists (select from turn)
  for update
), saved as (
  update data_sources
  set version = version + 1, driver = :?driver, host = :?host, status = 'reachable',
      settings = cast(:?settings as jsonb), secrets = cast(:?secrets as jsonb),
      last_test = cast(:?report as json), published_at = :?now, updated_by = :?actor,
      next_check = null, outcomes = ''
  where workspace_id = :?workspace and id = :?id and version = :?expected
    and exists (select from turn)
    and (cast(:?fence as bigint) is null or exists (select 1 from lease))
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
  set state = 'applied', version = excluded.version, reason = null, report = excluded.report,
      changed = excluded.changed, finished_at = excluded.finished_at, seq = default, payload = null,
      lease_until = null
  returning id
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select cast(:?updateId as uuid), workspace_id, :?topic, :?key, cast(:?headers as jsonb), :?body
  from saved
),
include claim-next
select saved.version, saved.version is null as lost, next.*
from (values (1)) as one (row)
left join saved on true
left join next on true
where saved.version is not null
   or (cast(:?fence as bigint) is not null and not exists (select 1 from lease))
