-- Removes a data source with its secrets, also, by a trigger, those of former versions, and says so.
-- History stays.
with
include turn
, gone as (
  delete from data_sources
  where workspace_id = :?workspace and id = :?id and exists (select from turn)
    and (cast(:?expected as text) is null
         or version = any (cast(string_to_array(:?expected, ',') as bigint[])))
  returning workspace_id, id, version
), receipt as (
  insert into updates (id, workspace_id, data_source_id, intake, actor, state, version, finished_at)
  select cast(:?updateId as uuid), workspace_id, id, :?intake, :?actor, 'applied', version, now()
  from gone
), event as (
  insert into outbox (event_id, workspace_id, topic, record_key, headers, body)
  select cast(:?updateId as uuid), workspace_id, :?topic, :?key, cast(:?headers as jsonb), :?body
  from gone
)
select version from gone
