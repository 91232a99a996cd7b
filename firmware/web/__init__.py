"""The phone's own site: its HTTP API (`api`), who may use it (`access`), its figures (`metrics`)."""
