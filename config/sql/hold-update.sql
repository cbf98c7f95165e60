-- Keeps a change until its database is back. One that was held before for the same data source is
-- over, also while it is being tried; it is ended with its event as soon as it comes up. A change that is
-- held again takes nobody's place: what else is held came after it. Nothing happens when other settings
-- went live meanwhile, or when the lease of an update went to somebody else, which is told ("lost").
-- What is held is locked before the data source, as by the end of a change that was held, and in the order
-- of its ids, as by everybody.
with lease as (
  select id, state from updates
  where id = cast(:?updateId as uuid) and state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)
  for update
), others as (
  select id from updates
  where workspace_id = :?workspace and data_source_id = :?id and state = 'held'
    and id <> cast(:?updateId as uuid)
    and (cast(:?fence as bigint) is null or exists (select 1 from lease where state <> 'held'))
  order by id
  for update
), live as (
  select id from data_sources
  where workspace_id = :?workspace and id = :?id and version = :?expected
    and (select count(*) from others) >= 0
  for update
), former as (
  update updates u
  set reason = 'SUPERSEDED', lease_until = now(), fence = u.fence + 1
  from live cross join others
  where u.id = others.id
), held as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, version, reason,
                       report, changed, payload, lease_until)
  select cast(:?updateId as uuid), :?workspace, live.id, :?intake, cast(:?identity as text), :?actor,
         'held', :?expected, :?reason, cast(:?report as json), cast(:?changed as jsonb), :?payload,
         now() + cast(:?pause as bigint) * interval '1 millisecond'
  from live
  where cast(:?fence as bigint) is null or exists (select 1 from lease)
  on conflict (id) do update
  set state = 'held', version = excluded.version, reason = excluded.reason, report = excluded.report,
      changed = excluded.changed, payload = excluded.payload, lease_until = excluded.lease_until
  returning id
)
select held.id, held.id is null as lost
from (values (1)) as one (row)
left join held on true
where held.id is not null
   or (cast(:?fence as bigint) is not null and not exists (select 1 from lease))
