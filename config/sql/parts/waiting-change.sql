-- The change of the data source d that waits for its database.
left join lateral (
  select jsonb_build_object(
           'update_id', u.id, 'actor', u.actor, 'reason', u.reason, 'changed', u.changed,
           'since', to_char(u.received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) as pending
  from updates u
  where u.workspace_id = d.workspace_id and u.data_source_id = d.id and u.state = 'held'
    and u.version = d.version and u.reason <> 'SUPERSEDED'
  order by u.seq desc
  limit 1
) waiting on true
