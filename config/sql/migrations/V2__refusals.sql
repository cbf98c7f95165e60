-- Why an update was refused before any test, for whoever asks later: message, and errors per field.
alter table updates add column refusal jsonb;
