-- What became of the request that took an Idempotency-Key first. The version is the one that it made,
-- whatever is live now.
select u.id::text as update_id, u.state, u.reason,
       u.refusal ->> 'message' as message, u.request_hash, u.report::text as report,
       coalesce(v.id, u.data_source_id) as id, v.version,
       'reachable' as status, v.settings::text as settings, v.secrets::text as secrets,
       v.report::text as last_test, v.published_at, v.created_by, v.updated_by
from updates u left join data_source_versions v on v.update_id = u.id
where u.workspace_id = :?workspace and u.intake <> 'kafka' and u.identity = :?identity
