-- The change of a data source that waits for its database.
select u.id::text as id, u.intake, u.identity, u.fence
from data_sources d
join updates u on u.workspace_id = d.workspace_id and u.data_source_id = d.id
where d.workspace_id = :?workspace and d.id = :?id
  and u.state = 'held' and u.version = d.version and u.reason <> 'SUPERSEDED'
order by u.seq desc
limit 1
