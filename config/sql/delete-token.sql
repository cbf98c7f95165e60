-- Withdraws a token. The first one stays, as one that has ended: no start brings it back.
with ended as (
  update api_tokens set expires_at = now()
  where id = :?id and id = 'first' and expires_at is null
  returning id
), gone as (
  delete from api_tokens where id = :?id and id <> 'first' and client_id is null returning id
)
select id from ended union all select id from gone
