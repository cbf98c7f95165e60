-- A change that was right as far as its test came, while its database was away: 'held', sealed like
-- a queued update. "version" is the one that it was merged with, "lease_until" when it is tried
-- again or, while it is tried, when the lease ends.
alter table updates drop constraint updates_state_check;
alter table updates add constraint updates_state_check
  check (state in ('pending', 'running', 'held', 'applied', 'failed', 'dead'));

create index updates_held on updates (lease_until) where state = 'held';
create index updates_held_of on updates (workspace_id, data_source_id) where state = 'held';
