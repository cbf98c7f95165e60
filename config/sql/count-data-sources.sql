select count(*) as count
from data_sources
where workspace_id = :?workspace
  and (cast(:?driver as text) is null or driver = :?driver)
  and (cast(:?host as text) is null or host = :?host)
  and (cast(:?status as text) is null or status = :?status)
