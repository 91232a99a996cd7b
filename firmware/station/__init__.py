"""One station of the telephone network: the phone, its signalling and its media, joined. Pure.

The same object runs behind real sockets (`firmware.runtime.shell`) and in the tests' virtual network.
"""
