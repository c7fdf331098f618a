"""A service's database: engine, unit of work, the core's tables, sealed columns."""
