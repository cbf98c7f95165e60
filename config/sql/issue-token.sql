-- An access token for a client that knows its secret and its refresh token; those that have ended
-- are cleared away.
with client as (
  select id, workspace_id, name, scopes, refresh_hash
  from clients
  where id = :?client and secret_hash = :?secretHash
), cleared as (
  delete from api_tokens
  where client_id in (select id from client) and expires_at < now()
), issued as (
  insert into api_tokens (id, hash, workspace_id, name, scopes, expires_at, client_id)
  select :?id, :?hash, workspace_id, name, scopes,
         now() + cast(:?lifetime as bigint) * interval '1 millisecond', id
  from client
  where refresh_hash = :?refreshHash
  returning id
)
select (select count(*) from client) as known, (select count(*) from issued) as issued
