-- Whether the data source has not been deleted since this version of it was live.
not exists (
  select 1 from updates gone
  where gone.workspace_id = :?workspace and gone.data_source_id = :?id
    and gone.state = 'applied' and gone.report is null and gone.version >= :?version)
