-- Clients of the token endpoint: each trades its refresh token for access tokens, which end with it.
create table clients (
  id           text primary key,
  secret_hash  text        not null,
  refresh_hash text        not null,
  workspace_id text        not null references workspaces (id),
  name         text        not null,
  scopes       text[]      not null,
  created_at   timestamptz not null default now()
);

alter table api_tokens add column client_id text references clients (id) on delete cascade;
create index api_tokens_of_client on api_tokens (client_id) where client_id is not null;
