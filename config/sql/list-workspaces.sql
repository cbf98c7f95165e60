select id, org_id as org, name, created_at from workspaces order by id
