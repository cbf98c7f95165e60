-- Pages by time, and pages of what a filter leaves, are read from an index at any size, too.
create index data_sources_by_time on data_sources (workspace_id, published_at, id);
create index data_sources_by_driver on data_sources (workspace_id, driver, id);
create index data_sources_by_host on data_sources (workspace_id, host, id);
create index data_sources_by_status on data_sources (workspace_id, status, id);
