-- What an empty store starts with. The first token of a store stays, unless the settings give another one.
-- One that was withdrawn stays withdrawn. Gives a row where the token is in force.
with org as (
  insert into orgs (id, name) values (:?org, 'first') on conflict do nothing returning id
), workspace as (
  insert into workspaces (id, org_id, name)
  select :?workspace, :?org, 'first' from (select count(*) from org) as made
  on conflict do nothing
  returning id
)
insert into api_tokens (id, hash, workspace_id, name, scopes)
select 'first', :?hash, :?workspace, 'admin', string_to_array(:?scopes, ' ')
from (select count(*) from workspace) as made
on conflict (id) do update
set hash = excluded.hash, workspace_id = excluded.workspace_id, scopes = excluded.scopes, expires_at = null
where case when api_tokens.hash = excluded.hash then api_tokens.expires_at is null
           else cast(:?replace as boolean) end
returning id
