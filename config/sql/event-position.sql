-- The position that everything which is committed from now on comes after, and whether events after
-- the position that a follower names are gone already. One that is behind the next transaction to come ("ahead")
-- is from another server, whose data were brought here.
select pg_snapshot_xmin(pg_current_snapshot())::text as tx,
       exists (
         select from event_horizon h
         where (h.tx, h.seq) > (cast(cast(:?tx as text) as xid8), cast(:?seq as bigint))
       ) as gone,
       coalesce(cast(cast(:?tx as text) as xid8) > pg_snapshot_xmax(pg_current_snapshot()), false) as ahead
