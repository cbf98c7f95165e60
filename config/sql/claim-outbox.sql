-- The next records to publish, for the one instance that holds the publisher's lease: either events
-- or dead letters, so that a topic which is missing or refuses does not hold up the other. A lease that
-- ends in more than twice its time is from before the store's clock was set back.
-- The commit of a renewal is not waited for while more than half of the lease is left. If a crash of the
-- server loses the latest ones (those of its last few hundred milliseconds), the lease that it still
-- knows ends later than the publisher begins its last round, which is half a lease after it asked; at
-- worst one batch goes out twice, as after any crash, and in order each time. A lease that is taken
-- from another, or taken up again, is durable before anything is sent under it.
-- Keys of which the broker has just refused a record are left out: what one has to wait for, no other does.
with renewed as (
  select count(set_config('synchronous_commit', 'off', true)) as times
  from leases
  where name = 'outbox' and owner = :?owner
    and lease_until > now() + cast(:?lease as bigint) * interval '0.5 milliseconds'
    and lease_until <= now() + cast(:?lease as bigint) * interval '2 milliseconds'
), mine as (
  insert into leases (name, owner, lease_until)
  select 'outbox', :?owner, now() + cast(:?lease as bigint) * interval '1 millisecond' from renewed
  on conflict (name) do update
  set owner = excluded.owner, lease_until = excluded.lease_until
  where leases.owner = excluded.owner or leases.lease_until < now()
     or leases.lease_until > now() + cast(:?lease as bigint) * interval '2 milliseconds'
  returning name
)
select o.seq, o.topic, o.record_key, o.headers::text as headers, o.body
from outbox o, mine
where o.published_at is null
  and (o.topic = :?deadLetterTopic) = cast(:?deadLetters as boolean)
  and coalesce(o.record_key, '') not in (
    select cast(key as bytea) from unnest(string_to_array(:?refusedKeys, ',')) as key)
order by o.seq
limit :?limit
