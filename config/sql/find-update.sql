-- One update and what became of it.
select id::text as update_id, data_source_id as id, intake, actor,
       case when state = 'applied' and report is null then 'deleted'
            when state = 'held' then 'pending' else state end as state,
       case when state <> 'held' then version end as version,
       reason, report::text as report, refusal::text as refusal, changed::text as changed, received_at, finished_at
from updates
where workspace_id = :?workspace and id = cast(:?updateId as uuid)
