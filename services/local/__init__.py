"""One machine, no set-up: a private broker, a private database, the development sink, and who starts them all."""
