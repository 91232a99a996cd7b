"""The panel: a view of the phone in, a 1-bit picture out."""
