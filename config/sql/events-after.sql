-- The events of a workspace after a position, as far as no earlier one can still be committed.
select tx::text as tx, seq, headers::text as headers, body
from outbox
where workspace_id = :?workspace and topic = :?topic
  and (tx, seq) > (cast(cast(:?tx as text) as xid8), cast(:?seq as bigint))
  and tx < pg_snapshot_xmin(pg_current_snapshot())
order by outbox.tx, seq
limit :?limit
