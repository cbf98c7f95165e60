select id, coalesce(client_id, id) as holder, workspace_id, name, array_to_string(scopes, ' ') as scopes,
       floor(extract(epoch from expires_at - now()) * 1000)::bigint as millis_left
from api_tokens
where hash = :?hash and (expires_at is null or expires_at > now())
