-- A client for a workspace that exists; "parents" tells whether it does.
with workspace as (
  select id from workspaces where id = :?workspace
), added as (
  insert into clients (id, secret_hash, refresh_hash, workspace_id, name, scopes)
  select :?id, :?secretHash, :?refreshHash, id, :?name, string_to_array(:?scopes, ' ')
  from workspace
  returning id, workspace_id, name, scopes, created_at
)
select (select count(*) from workspace) as parents, added.id, added.workspace_id as workspace, added.name,
       array_to_string(added.scopes, ' ') as scopes, added.created_at
from (values (1)) as always left join added on true
