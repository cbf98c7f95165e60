-- A version that was live once, while its data source still exists: not one from before a delete.
select v.id, v.version, d.status, v.settings::text as settings, v.secrets::text as secrets,
       v.report::text as last_test, v.published_at, v.created_by, v.updated_by
from data_source_versions v join data_sources d using (workspace_id, id)
where v.workspace_id = :?workspace and v.id = :?id and v.version = :?version
  and
include not-deleted-since
