"""The I/O shell: the only room that opens sockets, reads the clock, starts threads and processes."""
