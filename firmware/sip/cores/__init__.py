"""What sits on the transaction layer: user agent, registrar, proxy, redirect server (RFC 3261 §6)."""
