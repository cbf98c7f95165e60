-- Puts the records of a poll into the queue, each once: the same record again changes nothing, be it in
-- this poll or in one before. Another content under an identity that was used is a dead letter, so that
-- nothing vanishes, and so is what can never be an update ("reason"). All of them, or none: one value
-- that no column takes fails the statement.
-- An identity that another instance uses at the same moment is waited for, and only then it shows with
-- which content: "taken" are the rows that are there under identities that looked free.
with record as (
  select r.*, first_value(r.request_hash) over (partition by r.identity order by r.n) as first_hash
  from rows from (
    json_to_recordset(cast(:?records as json)) as (
      update_id uuid, data_source_id text, identity text, dead_identity text, request_hash text,
      actor text, payload text, origin jsonb, reason text, record_key text, headers text, body text)
  ) with ordinality as r (
      update_id, data_source_id, identity, dead_identity, request_hash,
      actor, payload, origin, reason, record_key, headers, body, n)
), judged as (
  select r.*, coalesce(r.reason,
                       case when coalesce(k.request_hash, r.first_hash) <> r.request_hash
                            then 'KEY_REUSED' end) as verdict,
         k.id is not null as known
  from record r
  left join updates k
    on k.workspace_id = :?workspace and k.intake = 'kafka' and k.identity = r.identity
), accepted as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, request_hash, actor,
                       state, payload, origin)
  select update_id, :?workspace, data_source_id, 'kafka', identity, request_hash, actor,
         'pending', payload, origin
  from (select distinct on (identity) * from judged
        where verdict is null and not known
        order by identity, n) news
  order by n
  on conflict (workspace_id, identity) where identity is not null and intake = 'kafka'
  do update set request_hash = updates.request_hash
  where updates.request_hash is distinct from excluded.request_hash
  returning id, identity
), taken as (
  select identity from accepted where id not in (select update_id from record)
), final as (
  select judged.*, coalesce(judged.verdict, case when taken.identity is not null then 'KEY_REUSED' end) as fate
  from judged
  left join taken on taken.identity = judged.identity
), dead as (
  insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state, reason,
                       origin, finished_at)
  select update_id, :?workspace, data_source_id, 'kafka', dead_identity, actor, 'dead', fate,
         origin, now()
  from final
  where fate is not null
  order by n
  on conflict (workspace_id, identity) where identity is not null and intake = 'kafka' do nothing
  returning id
), letter as (
  insert into outbox (event_id, topic, record_key, headers, body)
  select r.update_id, :?topic, decode(r.record_key, 'base64'), cast(r.headers as jsonb), convert_to(r.body, 'UTF8')
  from record r
  join dead on dead.id = r.update_id
  order by r.n
)
select id, true as dead_letter from dead
