#!/bin/sh
# Run once by the postgres image, when the data folder is new.
set -eu
export PASSWORDS=/run/secrets/database-passwords
psql --username postgres --dbname postgres --no-psqlrc --file /etc/chapterhouse/roles.sql
