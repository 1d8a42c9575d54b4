-- Run on every start, changes something on the first: the role and the database that DATABASE_URL names.
-- The role is no superuser, so that what the database refuses is refused to it as well.
\set ON_ERROR_STOP on
\getenv password PGPASSWORD
SELECT format('CREATE ROLE tallystick LOGIN CREATEDB CREATEROLE PASSWORD %L', :'password')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tallystick') \gexec
SELECT 'CREATE DATABASE tallystick OWNER tallystick'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'tallystick') \gexec
