include data-source-columns
from data_sources d
include waiting-change
where workspace_id = :?workspace and id = :?id
