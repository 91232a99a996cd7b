"""The Raspberry Pi's 40-pin header, the same on every model since the B+: what stands at which place.

GPIO numbers are the chip's ("BCM"), as in board profiles; places are counted as on the board, 1 to 40, odd ones in
the row nearer the board's middle. GPIO 0 and 1 belong to the identification chip of add-on boards.
"""

from __future__ import annotations

GPIO_PLACES: dict[int, int] = {
    2: 3,
    3: 5,
    4: 7,
    14: 8,
    15: 10,
    17: 11,
    18: 12,
    27: 13,
    22: 15,
    23: 16,
    24: 18,
    10: 19,
    9: 21,
    25: 22,
    11: 23,
    8: 24,
    7: 26,
    5: 29,
    6: 31,
    12: 32,
    13: 33,
    19: 35,
    16: 36,
    26: 37,
    20: 38,
    21: 40,
}
"""The place of each GPIO a telephone may use."""

GPIOS = frozenset(GPIO_PLACES)
"""GPIO 2 to 27."""

POWER_PLACES: dict[int, str] = {
    1: "3V3",
    17: "3V3",
    2: "5V",
    4: "5V",
    27: "ID",
    28: "ID",
    **dict.fromkeys((6, 9, 14, 20, 25, 30, 34, 39), "GND"),
}
"""What the places without a GPIO are."""

I2C = {2: "SDA", 3: "SCL"}
"""Bus 1."""

SPI = {10: "MOSI", 9: "MISO", 11: "SCLK"}
"""Bus 0, without its chip selects."""

SPI_SELECTS = (8, 7)
"""The chip select of SPI device 0 and 1."""

SPI1 = {20: "MOSI", 19: "MISO", 21: "SCLK"}
"""Bus 1, on the pins of digital sound: on Raspberry Pi OS, with `dtoverlay=spi1-2cs`."""

SPI1_SELECTS = (18, 17)
"""The chip select of its device 0 and 1."""

I2S = {18: "BCLK", 19: "LRCLK", 20: "DIN", 21: "DOUT"}
"""Digital sound."""

CONSOLE = {14: "TXD", 15: "RXD"}
"""The serial console; with it on, the kernel holds these two."""

HIGH_AT_RESET = frozenset(range(2, 9)) | {14}
"""GPIOs that are high from power on until a program takes them (BCM2835 ARM Peripherals, 6.2: 0 to 8 are pulled up,
9 to 27 down, by some 50 kohm); 14 as the console sends there. What must rest at the start belongs on others."""

HATS: dict[str, dict[int, str]] = {
    "i2s": I2S,
    "wm8960": {**I2C, **I2S, 17: "button"},
    "codec-zero": {**I2C, **I2S, 23: "green lamp", 24: "red lamp", 27: "button"},
}
"""Sound cards on the header: the GPIOs each takes, and for what.

"i2s" is any codec or amplifier without a control bus (a MAX98357A, an ICS-43434)."""


def place_name(place: int) -> str:
    """What is printed beside a place: "GPIO17", "GND", "3V3"."""
    for gpio, at in GPIO_PLACES.items():
        if at == place:
            return f"GPIO{gpio}"
    return POWER_PLACES[place]
