"""What the person at the desk experiences: lines, calls, keys, tones. Pure."""
