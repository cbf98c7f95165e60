-- Puts an update that need not be waited for into the queue, once: the same request again changes
-- nothing. "present" tells whether there is such a data source; only then, or for a new one only
-- otherwise, a row is written. "known" is the request that used the key before.
with target as (
  select id from data_sources where workspace_id = :?workspace and id = :?id
), known as (
  select id, data_source_id, request_hash from updates
  where workspace_id = :?workspace and intake <> 'kafka'
    and identity = cast(:?identity as text)
), accepted as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, request_hash, actor,
                       state, payload, origin)
  select cast(:?updateId as uuid), :?workspace, :?id, :?intake, cast(:?identity as text), :?hash,
         :?actor, 'pending', :?payload, cast(:?origin as jsonb)
  where exists (select 1 from target) <> cast(:?create as boolean) and not exists (select 1 from known)
  on conflict (workspace_id, identity) where identity is not null and intake <> 'kafka' do nothing
  returning id
)
select (select count(*) from target) as present,
       (select id::text from accepted) as accepted,
       (select id::text from known) as known,
       (select data_source_id from known) as known_data_source,
       (select request_hash from known) as known_hash
