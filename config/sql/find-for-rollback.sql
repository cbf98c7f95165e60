-- What is live, while it is still the data source whose former version is to go live again: not another one
-- that was made under its id since.
include data-source-columns
from data_sources d
include waiting-change
where workspace_id = :?workspace and id = :?id
  and
include not-deleted-since
