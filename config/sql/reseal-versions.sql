-- As reseal-data-sources, for former versions.
with fresh as (
  select * from jsonb_to_recordset(cast(:?rows as jsonb))
    as r (workspace_id text, id text, version bigint, before jsonb, after jsonb)
), free as (
  select v.workspace_id, v.id, v.version, f.after
  from data_source_versions v join fresh f
    on v.workspace_id = f.workspace_id and v.id = f.id and v.version = f.version
  where v.secrets = f.before
  for update of v skip locked
)
update data_source_versions v set secrets = free.after
from free
where v.workspace_id = free.workspace_id and v.id = free.id and v.version = free.version
returning v.id
