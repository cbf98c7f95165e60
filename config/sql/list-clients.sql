select id, workspace_id as workspace, name, array_to_string(scopes, ' ') as scopes, created_at
from clients
order by created_at, id
