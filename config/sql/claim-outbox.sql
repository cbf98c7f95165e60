-- The next records to publish, for the one instance that holds the publisher's lease: either events
-- or dead letters, so that a topic which is missing or refuses does not hold up the other. A lease that
-- ends in more than twice its time is from before the store's clock was set back.
with mine as (
  insert into leases (name, owner, lease_until)
  values ('outbox', :?owner, now() + cast(:?lease as bigint) * interval '1 millisecond')
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
order by o.seq
limit :?limit
