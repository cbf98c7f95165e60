-- The request was refused before anything was tested: its key may be used again.
delete from updates
where id = cast(:?updateId as uuid) and state = 'running' and fence = :?fence
returning id
