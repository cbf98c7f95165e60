-- What a data source is read from.
select id, version, status, settings::text as settings, secrets::text as secrets,
       last_test::text as last_test, published_at, created_by, updated_by,
       waiting.pending::text as pending
