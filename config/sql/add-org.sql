insert into orgs (id, name) values (:?id, :?name)
on conflict do nothing
returning id, name, created_at
