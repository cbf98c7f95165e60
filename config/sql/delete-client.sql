-- Its access tokens go with it.
delete from clients where id = :?id returning id
