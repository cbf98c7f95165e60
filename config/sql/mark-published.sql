update outbox set published_at = now()
where seq = any (cast(string_to_array(:?seqs, ',') as bigint[])) and published_at is null
returning seq
