"""From a dialled number to where to call. Pure."""
