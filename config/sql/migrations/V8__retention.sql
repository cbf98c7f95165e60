-- What is kept for a while only: events that are published, and receipts of updates that changed nothing.
create index outbox_published on outbox (published_at) where published_at is not null;
create index updates_ended on updates (finished_at) where state in ('failed', 'dead');

-- Up to where events may be gone. One row; whoever followed the events before it may have missed some.
create table event_horizon (
  only_one boolean primary key default true check (only_one),
  tx       xid8   not null,
  seq      bigint not null
);
