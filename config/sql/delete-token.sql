delete from api_tokens where id = :?id and client_id is null returning id
