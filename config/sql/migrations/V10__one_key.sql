-- A key that a sender gives is one for all operations; records have identities of their own. Where two
-- operations have had one key, it stays with the first. The former index has to go: a statement that looks
-- for its conflict in one index fails at another, and two who come with one key would get an error.
update updates later set identity = null
from updates first
where later.identity = first.identity and later.workspace_id = first.workspace_id
  and later.intake <> 'kafka' and first.intake <> 'kafka' and first.seq < later.seq;

create unique index updates_key on updates (workspace_id, identity)
  where identity is not null and intake <> 'kafka';
create unique index updates_record on updates (workspace_id, identity)
  where identity is not null and intake = 'kafka';
drop index updates_identity;
