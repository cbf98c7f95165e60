-- What is live, while it is still the data source whose former version is to go live again: not another one
-- that was made under its id since.
include live
  and
include not-deleted-since
