-- Whether an id is taken, and the last version that it ever had: versions go on after a delete, so
-- that an old ETag never matches again.
select d.id, coalesce(
         (select max(v.version) from data_source_versions v
          where v.workspace_id = :?workspace and v.id = :?id), 0) as last_version
from (values (1)) as one (row)
left join data_sources d on d.workspace_id = :?workspace and d.id = :?id
