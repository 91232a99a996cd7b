"""The hardware contract on a Raspberry Pi: `hw.pi.board.PiBoard` and `hw.pi.sound.AlsaSound`.

Importing this package imports no driver: each module imports its own library (gpiozero, gpiod or lgpio, luma.oled,
pyalsaaudio), all of them in the extra `offhook[pi]`. Every driver is two things: a `Task` that is told the time and
says when it wants to be called next, so that tests run it in virtual time, and a `Worker`, the thread that does so.
"""
