select id from data_sources where workspace_id = :?workspace order by id limit 10000
