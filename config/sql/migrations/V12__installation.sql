-- Whose store this is: a keyed hash by which an instance with another installation's key file is told apart.
create table installation (
  only_one boolean primary key default true check (only_one),
  keyset   text not null
);
