"""The parts that registrar, proxy and redirect server share or consist of (RFC 3261 §10.3, §16)."""
