-- Some data sources with what is sealed in them, in the order of their key.
select workspace_id, id, 0 as version, secrets::text as secrets
from data_sources
where (workspace_id, id) > (:?workspace, :?id)
order by workspace_id, id
limit :?limit
