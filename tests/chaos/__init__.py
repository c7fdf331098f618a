"""A generated history on a whole network, every kind of fault meanwhile, and an auditor at its end: `make chaos`."""
