-- Who has something to tell of a data source waits here for whoever is at it, before the store gives it a
-- transaction's id: by these ids the events are read again (events-after), and by the outbox's numbers, given
-- later, they are published. Both are then in the order in which things happened to it. A lock without a
-- row: an update of what does not exist has its turn as well.
turn as materialized (
  select pg_advisory_xact_lock(hashtextextended(cast(:?workspace as text) || '/' || cast(:?id as text), 0))
)
