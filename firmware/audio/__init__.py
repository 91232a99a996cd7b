"""Pure signal functions on frames: signed 16-bit little-endian mono `bytes`, mostly through `audioop`."""
