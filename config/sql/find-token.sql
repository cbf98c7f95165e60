select id, workspace_id, name, array_to_string(scopes, ' ') as scopes, expires_at
from api_tokens
where hash = :?hash and (expires_at is null or expires_at > now())
