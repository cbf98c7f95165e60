-- Some former versions with what is sealed in them, in the order of their key.
select workspace_id, id, version, secrets::text as secrets
from data_source_versions
where (workspace_id, id, version) > (:?workspace, :?id, cast(:?version as bigint))
order by workspace_id, id, version
limit :?limit
