-- One page, which an index serves at any size whatever the order: exactly one of the branches runs.
with chosen as not materialized (
  select id, published_at
  from data_sources
  where workspace_id = :?workspace
    and (cast(:?driver as text) is null or driver = :?driver)
    and (cast(:?host as text) is null or host = :?host)
    and (cast(:?status as text) is null or status = :?status)
), page as (
  (select id from chosen
   where :?sort = 'id' and (cast(:?after as text) is null or id > :?after)
   order by id limit :?limit)
  union all
  (select id from chosen
   where :?sort = '-id' and (cast(:?after as text) is null or id < :?after)
   order by id desc limit :?limit)
  union all
  (select id from chosen
   where :?sort = 'published_at'
     and (cast(:?after as text) is null or (published_at, id) > (cast(:?since as timestamptz), :?after))
   order by published_at, id limit :?limit)
  union all
  (select id from chosen
   where :?sort = '-published_at'
     and (cast(:?after as text) is null or (published_at, id) < (cast(:?since as timestamptz), :?after))
   order by published_at desc, id desc limit :?limit)
)
include data-source-columns
from page
join data_sources d using (id)
include waiting-change
where d.workspace_id = :?workspace
order by case when :?sort = 'published_at' then published_at end,
         case when :?sort = '-published_at' then published_at end desc,
         case when :?sort in ('id', 'published_at') then id end,
         case when :?sort in ('-id', '-published_at') then id end desc
