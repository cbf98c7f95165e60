-- Where an event stands for whoever follows the events of a workspace. Numbers are given out before
-- a transaction commits, so a later number can be seen first; the transaction's own id tells when
-- no earlier row can appear any more.
alter table outbox add column workspace_id text;
alter table outbox add column tx xid8 not null default pg_current_xact_id();
create index outbox_followed on outbox (workspace_id, tx, seq);
