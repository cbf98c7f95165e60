-- A check that said nothing about the data source: the next one comes after the pause.
update data_sources
set next_check = now() + cast(:?pause as bigint) * interval '1 millisecond'
where workspace_id = :?workspace and id = :?id and check_fence = :?fence
returning id
