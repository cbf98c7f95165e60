-- Those that people manage: a client's access tokens come and go with it.
select id, workspace_id as workspace, name, array_to_string(scopes, ' ') as scopes, expires_at, created_at
from api_tokens
where client_id is null and (id <> 'first' or expires_at is null)
order by created_at, id
