-- What happened to a data source, the latest end first: every version, every attempt that failed. An
-- update that ends gets a new place (seq) behind all that ended before.
select id::text as update_id, seq, intake, actor,
       case when state = 'applied' and report is null then 'deleted' else state end as state, version, reason, report::text as report,
       changed::text as changed, received_at, finished_at
from updates
where workspace_id = :?workspace and data_source_id = :?id and state in ('applied', 'failed')
  and seq < :?before
order by seq desc
limit :?limit
