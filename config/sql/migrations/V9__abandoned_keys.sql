-- Requests under a key that are at work, by the end of their lease.
create index updates_running on updates (lease_until) where state = 'running';
