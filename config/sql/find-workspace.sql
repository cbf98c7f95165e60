select id, org_id from workspaces where id = :?workspace
