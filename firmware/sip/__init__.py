"""The Session Initiation Protocol (RFC 3261), without input or output of its own."""
