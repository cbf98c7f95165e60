-- The secrets of former versions go with their data source. A trigger sees also the version whose commit the
-- delete has waited for; a part of the delete's own statement would not.
create function erase_secrets() returns trigger language plpgsql as $$
begin
  update data_source_versions set secrets = '{}'
  where workspace_id = old.workspace_id and id = old.id and secrets <> '{}';
  return null;
end
$$;

create trigger data_source_deleted after delete on data_sources
for each row execute function erase_secrets();

-- As V11, for what was deleted since.
update data_source_versions v set secrets = '{}'
where v.secrets <> '{}' and exists (
  select 1 from updates u
  where u.workspace_id = v.workspace_id and u.data_source_id = v.id
    and u.state = 'applied' and u.report is null and u.version >= v.version);

-- By which a rollback looks for deletes.
create index updates_deleted on updates (workspace_id, data_source_id, version)
where state = 'applied' and report is null;
