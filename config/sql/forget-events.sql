-- Removes published events that are older than what is kept, some at a time, and notes up to where.
with old as (
  select seq from outbox
  where published_at < now() - cast(:?keep as bigint) * interval '1 millisecond'
  order by published_at
  limit :?limit
  for update skip locked
), gone as (
  delete from outbox o using old where o.seq = old.seq
  returning o.seq, o.tx
), horizon as (
  insert into event_horizon (tx, seq)
  select tx, seq from gone order by tx desc, seq desc limit 1
  on conflict (only_one) do update
  set tx = excluded.tx, seq = excluded.seq
  where (event_horizon.tx, event_horizon.seq) < (excluded.tx, excluded.seq)
)
select count(*) as removed from gone
