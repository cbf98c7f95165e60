select id, name, created_at from orgs order by id
