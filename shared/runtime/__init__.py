"""What a process is made of: settings, keys, clock, ids, logging, health, metrics, lifecycle."""
