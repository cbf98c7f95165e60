-- A workspace of an organization that exists; "parents" tells whether it does.
with org as (
  select id from orgs where id = :?org
), added as (
  insert into workspaces (id, org_id, name)
  select :?id, id, :?name from org
  on conflict do nothing
  returning id, org_id, name, created_at
)
select (select count(*) from org) as parents, added.id, added.org_id as org, added.name, added.created_at
from (values (1)) as always left join added on true
