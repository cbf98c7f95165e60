-- What the scheduled checks keep of each data source, beside its status and its last test.
alter table data_sources
  add column next_check  timestamptz,                     -- null: not scheduled yet; while it is checked, when the lease ends
  add column check_fence bigint not null default 0,
  add column outcomes    text   not null default '',      -- of the latest checks since the status changed: + passed, - failed
  add column warned      jsonb  not null default '{}';    -- certificate fingerprint: the threshold, in days, that was told

create index data_sources_due on data_sources (next_check);
create index data_sources_host on data_sources (host);
create index data_sources_bastion on data_sources ((settings ->> 'sshHost')) where settings ->> 'sshHost' is not null;
