-- What a check found: status, report, the next check, and the events of a transition and of
-- certificates that end soon. Nothing happens when other settings went live meanwhile, or when the
-- lease went to somebody else. Where the server refused the login, nobody tries the same one again
-- before the pause is over, whichever data source has it: accounts are locked after a few refusals.
with
include turn
, saved as (
  update data_sources
  set status = :?status, last_test = cast(:?report as json), outcomes = :?outcomes,
      warned = cast(:?warned as jsonb),
      next_check = now() + cast(:?pause as bigint) * interval '1 millisecond'
  where workspace_id = :?workspace and id = :?id and version = :?expected and check_fence = :?fence
    and exists (select from turn)
  returning workspace_id, id, driver, host, settings, secrets
), alike as (
  select d.workspace_id, d.id
  from data_sources d join saved s on d.host = s.host and d.driver = s.driver
  where cast(:?refusedBy as text) = 'database'
    and d.settings -> 'port' = s.settings -> 'port'
    and d.settings -> 'username' is not distinct from s.settings -> 'username'
    and d.secrets -> 'password' -> 'fingerprint' is not distinct from s.secrets -> 'password' -> 'fingerprint'
  union
  select d.workspace_id, d.id
  from data_sources d join saved s on d.settings ->> 'sshHost' = s.settings ->> 'sshHost'
  where cast(:?refusedBy as text) = 'bastion'
    and d.settings -> 'sshPort' is not distinct from s.settings -> 'sshPort'
    and d.settings -> 'sshUsername' is not distinct from s.settings -> 'sshUsername'
    and d.secrets -> 'sshPassword' -> 'fingerprint' is not distinct from s.secrets -> 'sshPassword' -> 'fingerprint'
    and d.secrets -> 'sshIdentity' -> 'fingerprint' is not distinct from s.secrets -> 'sshIdentity' -> 'fingerprint'
), others as (
  select d.workspace_id, d.id
  from data_sources d join alike using (workspace_id, id)
  where (d.workspace_id, d.id) not in (select workspace_id, id from saved)
  for update of d skip locked
), spared as (
  update data_sources d
  set next_check = greatest(d.next_check, now() + cast(:?pause as bigint) * interval '1 millisecond')
  from others
  where d.workspace_id = others.workspace_id and d.id = others.id
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select e.id, saved.workspace_id, :?topic, :?key, e.headers, e.body
  from saved,
       (values (1, cast(:?transitionId as uuid), cast(:?transitionHeaders as jsonb), cast(:?transitionBody as bytea)),
               (2, cast(:?warningId as uuid), cast(:?warningHeaders as jsonb), cast(:?warningBody as bytea))
       ) as e (place, id, headers, body)
  where e.id is not null
  order by e.place
)
select id from saved
