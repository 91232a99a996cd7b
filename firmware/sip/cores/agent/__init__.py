"""The parts of the user agent: a call from either end, its offers and transfer, who may ring (RFC 3261 §8, §13-15)."""
