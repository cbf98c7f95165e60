-- What was deleted is not kept: secrets of former versions whose data source is gone, or is another one by now.
update data_source_versions v set secrets = '{}'
where exists (
  select 1 from updates u
  where u.workspace_id = v.workspace_id and u.data_source_id = v.id
    and u.state = 'applied' and u.report is null and u.version >= v.version);
