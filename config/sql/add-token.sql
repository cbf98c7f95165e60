-- A token for a workspace that exists; "parents" tells whether it does, and "over"
-- that its time would have ended already.
with workspace as (
  select id from workspaces where id = :?workspace
), added as (
  insert into api_tokens (id, hash, workspace_id, name, scopes, expires_at)
  select :?id, :?hash, id, :?name, string_to_array(:?scopes, ' '), cast(:?expiresAt as timestamptz)
  from workspace
  where cast(:?expiresAt as timestamptz) is null or cast(:?expiresAt as timestamptz) > now()
  returning id, workspace_id, name, scopes, expires_at, created_at
)
select (select count(*) from workspace) as parents,
       cast(:?expiresAt as timestamptz) <= now() as over, added.id, added.workspace_id as workspace, added.name,
       array_to_string(added.scopes, ' ') as scopes, added.expires_at, added.created_at
from (values (1)) as always left join added on true
