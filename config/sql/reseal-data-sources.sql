-- Puts the same secrets, sealed with another key, in the place of those that were read. What was changed
-- since, or is being changed, is left alone.
with fresh as (
  select * from jsonb_to_recordset(cast(:?rows as jsonb))
    as r (workspace_id text, id text, version bigint, before jsonb, after jsonb)
), free as (
  select d.workspace_id, d.id, f.after
  from data_sources d join fresh f on d.workspace_id = f.workspace_id and d.id = f.id
  where d.secrets = f.before
  for update of d skip locked
)
update data_sources d set secrets = free.after
from free
where d.workspace_id = free.workspace_id and d.id = free.id
returning d.id
