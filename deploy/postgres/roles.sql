-- One database and one role for each service and web app, and no way from one to another's.
--   PASSWORDS=folder psql --file roles.sql       as superuser; again for what is missing, or for new passwords.
-- The folder has a file for each name, the password in it: none stands on a command line.
\set ON_ERROR_STOP on
\set QUIET on
SET log_statement = 'none';
SET log_min_error_statement = 'panic';

CREATE TEMPORARY TABLE furnished (name text PRIMARY KEY, password text NOT NULL);
\set meetings `cat "$PASSWORDS/meetings"`
\set registration `cat "$PASSWORDS/registration"`
\set notifications `cat "$PASSWORDS/notifications"`
\set feedback `cat "$PASSWORDS/feedback"`
\set admin `cat "$PASSWORDS/admin"`
\set portal `cat "$PASSWORDS/portal"`
INSERT INTO furnished VALUES
    ('chapterhouse_meetings', :'meetings'),
    ('chapterhouse_registration', :'registration'),
    ('chapterhouse_notifications', :'notifications'),
    ('chapterhouse_feedback', :'feedback'),
    ('chapterhouse_admin', :'admin'),
    ('chapterhouse_portal', :'portal');

SET password_encryption = 'scram-sha-256';
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', name)
FROM furnished WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', name, password) FROM furnished \gexec
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8''', name, name)
FROM furnished WHERE name NOT IN (SELECT datname FROM pg_database) \gexec
-- By default everyone may connect to every database.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name) FROM furnished \gexec
-- What a crash leaves open is ended, so that it holds no lock.
SELECT format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', name) FROM furnished \gexec
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
