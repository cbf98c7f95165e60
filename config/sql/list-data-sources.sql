-- One page in the order of the id, which the primary key serves at any size.
select id, version, status, settings::text as settings, secrets::text as secrets,
       last_test::text as last_test, published_at, created_by, updated_by
from data_sources
where workspace_id = :?workspace
  and id > :?after
  and (cast(:?driver as text) is null or driver = :?driver)
  and (cast(:?host as text) is null or host = :?host)
  and (cast(:?status as text) is null or status = :?status)
order by id
limit :?limit
