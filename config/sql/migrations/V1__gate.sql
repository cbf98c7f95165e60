-- What the gate keeps. Every secret in here is sealed (AEAD), every token is hashed.

create table orgs (
  id         text primary key,
  name       text        not null,
  created_at timestamptz not null default now()
);

create table workspaces (
  id         text primary key,
  org_id     text        not null references orgs (id),
  name       text        not null,
  created_at timestamptz not null default now()
);

create table api_tokens (
  id           text primary key,
  hash         text        not null unique,
  workspace_id text        not null references workspaces (id),
  name         text        not null,
  scopes       text[]      not null,
  expires_at   timestamptz,
  created_at   timestamptz not null default now()
);

-- The live settings: exactly what was last tested with success.
create table data_sources (
  workspace_id text        not null references workspaces (id),
  id           text        not null,
  version      bigint      not null,
  driver       text        not null,
  host         text,
  status       text        not null,
  settings     jsonb       not null, -- the fields that are not secret, and "options"
  secrets      jsonb       not null, -- per field: sealed, version, updated_at, fingerprint
  last_test    json        not null, -- json, not jsonb: a report keeps its order
  published_at timestamptz not null,
  created_at   timestamptz not null,
  created_by   text        not null,
  updated_by   text        not null,
  primary key (workspace_id, id)
);

-- Every version that was ever live, for history and rollback.
create table data_source_versions (
  workspace_id text        not null,
  id           text        not null,
  version      bigint      not null,
  settings     jsonb       not null,
  secrets      jsonb       not null,
  changed      jsonb       not null,
  report       json        not null,
  update_id    uuid        not null unique,
  published_at timestamptz not null,
  created_by   text        not null,
  updated_by   text        not null,
  primary key (workspace_id, id, version)
);

-- Every update that was accepted: inbox, lease and receipt in one row. A Kafka record waits here as
-- 'pending'; a synchronous request appears with its outcome, or as 'running' when it has a key. The id is also the id of its event.
create table updates (
  id             uuid primary key,
  seq            bigint generated always as identity,
  workspace_id   text        not null,
  data_source_id text        not null,
  intake         text        not null,
  identity       text,                 -- what the sender calls this update; the same twice is one update
  request_hash   text,                 -- keyed; tells a repeated request from another one
  actor          text        not null,
  state          text        not null check (state in ('pending', 'running', 'applied', 'failed', 'dead')),
  payload        text,                 -- the record as it came, sealed; null once worked
  origin         jsonb,                -- topic, partition, offset and content type of a record
  attempts       integer     not null default 0,
  lease_until    timestamptz,
  fence          bigint      not null default 0,
  version        bigint,
  reason         text,
  report         json,
  changed        jsonb,
  received_at    timestamptz not null default now(),
  finished_at    timestamptz
);

create unique index updates_identity on updates (workspace_id, intake, identity) where identity is not null;
create index updates_pending on updates (workspace_id, data_source_id, seq) where state = 'pending';
create index updates_history on updates (workspace_id, data_source_id, seq);

-- What has to be told to the world. A row is written in the transaction that makes it true, and is
-- published in the order of seq; rows of one key are written one after the other, under the lock of
-- their data source.
create table outbox (
  seq          bigint generated always as identity primary key,
  event_id     uuid        not null unique,
  topic        text        not null,
  record_key   bytea,
  headers      jsonb       not null,
  body         bytea,
  created_at   timestamptz not null default now(),
  published_at timestamptz
);

create index outbox_waiting on outbox (seq) where published_at is null;

-- Who may drain the outbox: one instance at a time, for as long as the lease runs.
create table leases (
  name        text primary key,
  owner       text        not null,
  lease_until timestamptz not null
);
