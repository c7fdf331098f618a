"""The rules of seats, meetings, attendance, aliases and consents. Pure: no clock, no database, no broker."""
