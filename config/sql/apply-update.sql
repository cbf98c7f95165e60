-- The commit of an update that passed its test: new version, history, receipt and event, or nothing.
-- Nothing happens when the version is no longer the one that was tested against, or when the lease
-- of a queued update went to somebody else meanwhile.
-- With it goes the claim of the next update that waits for the same data source ("next"), if its worker
-- has time for it ("lease"): the oldest one, and only where claim-updates could take it, too. So between
-- two updates of a data source nothing is asked and nothing is waited for.
with lease as (
  select id from updates
  where id = cast(:?updateId as uuid) and state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)
  for update
), saved as (
  update data_sources
  set version = version + 1, driver = :?driver, host = :?host, status = 'reachable',
      settings = cast(:?settings as jsonb), secrets = cast(:?secrets as jsonb),
      last_test = cast(:?report as json), published_at = :?now, updated_by = :?actor,
      next_check = null, outcomes = ''
  where workspace_id = :?workspace and id = :?id and version = :?expected
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
      changed = excluded.changed, finished_at = excluded.finished_at, payload = null,
      lease_until = null
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select cast(:?updateId as uuid), workspace_id, :?topic, :?key, cast(:?headers as jsonb), :?body
  from saved
), next as (
  update updates u
  set lease_until = now() + cast(:?lease as bigint) * interval '1 millisecond',
      fence = u.fence + 1, attempts = u.attempts + 1
  from saved
  cross join lateral (
    select workspace_id, data_source_id, seq
    from updates
    where state = 'pending' and workspace_id = :?workspace and data_source_id = :?id
      and id <> cast(:?updateId as uuid)
    order by seq
    limit 1
  ) oldest
  cross join lateral (
    select w.id
    from updates w
    where w.workspace_id = oldest.workspace_id and w.data_source_id = oldest.data_source_id
      and w.seq = oldest.seq and w.state = 'pending'
      and (w.lease_until is null or w.lease_until < now())
      and cast(:?lease as bigint) is not null
    for update skip locked
  ) free
  where u.id = free.id
  returning u.id::text as id, u.seq, u.workspace_id, u.data_source_id, u.intake, u.identity, u.actor, u.payload,
            u.origin::text as origin, u.attempts, u.fence
)
select saved.version, saved.created_by, next.* from saved left join next on true
