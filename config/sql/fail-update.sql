-- The receipt and the event of an update that was refused. Nothing happens when the lease of a queued
-- update went to somebody else meanwhile.
with
include turn
, lease as (
  select id from updates
  where id = cast(:?updateId as uuid) and state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)
    and exists (select from turn)
  for update
), receipt as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, reason,
                       report, refusal, changed, finished_at)
  select cast(:?updateId as uuid), :?workspace, :?id, :?intake, cast(:?identity as text), :?actor,
         :?state, :?reason, cast(:?report as json), cast(:?refusal as jsonb), cast(:?changed as jsonb),
         now()
  where exists (select from turn)
    and (cast(:?fence as bigint) is null or exists (select 1 from lease))
  on conflict (id) do update
  set state = excluded.state, version = null, reason = excluded.reason, report = excluded.report, refusal = excluded.refusal,
      changed = excluded.changed, finished_at = excluded.finished_at, seq = default, payload = null,
      lease_until = null
  returning id
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select id, cast(:?workspace as text), :?topic, cast(:?key as bytea), cast(:?headers as jsonb), cast(:?body as bytea)
  from receipt
),
include claim-next
select receipt.id as ended, :?state = 'dead' as dead_letter, next.* from receipt left join next on true
