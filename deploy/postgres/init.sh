#!/bin/sh
# Run once by the postgres image, when the data folder is new.
PASSWORDS=/run/secrets/database-passwords exec psql --username postgres --no-password --file /etc/chapterhouse/roles.sql
