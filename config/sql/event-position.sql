-- The position that everything which is committed from now on comes after.
select pg_snapshot_xmin(pg_current_snapshot())::text as tx
