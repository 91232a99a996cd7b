"""The card's overlays, compiled and applied as the Pi's firmware does, to a tree with what the kernel's own have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

OVERLAYS = Path(__file__).parent.parent.parent / "image-build" / "card" / "overlays"
BASE = """
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    soc {
        #address-cells = <1>;
        #size-cells = <1>;
        dma: dma-controller@7e007000 { #dma-cells = <1>; };
        gpio: gpio@7e200000 {
            #gpio-cells = <2>;
            pinctrl-0 = <&alt0>;
            alt0: alt0 { brcm,pins = <4 5 7 8 9 10 11>; brcm,function = <4>; };
            pcm_gpio18: pcm-gpio18 { brcm,pins = <18 19 20 21>; brcm,function = <4>; };
        };
        i2s: i2s@7e203000 { status = "disabled"; };
        spi: spi@7e204000 { status = "disabled"; #address-cells = <1>; #size-cells = <0>; };
        i2c1: i2c@7e804000 { status = "okay"; clock-frequency = <100000>; #address-cells = <1>; #size-cells = <0>; };
    };
};
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "base.dts").write_text(BASE)
    run("dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", str(tmp_path / "tree.dtb"), str(tmp_path / "base.dts"))
    return tmp_path / "tree.dtb"


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def apply(tree: Path, name: str) -> None:
    compiled = tree.with_name(f"{name}.dtbo")
    run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(compiled), str(OVERLAYS / f"{name}.dts"))
    run("fdtoverlay", "-i", str(tree), "-o", str(tree), str(compiled))


def value(tree: Path, node: str, key: str) -> list[str]:
    return run("fdtget", str(tree), node, key).split()


def phandle(tree: Path, node: str) -> str:
    return value(tree, node, "phandle")[0]


def pins(tree: Path, node: str) -> set[str]:
    return set(value(tree, f"/soc/gpio@7e200000/{node}", "brcm,pins"))


def test_spi_is_on_with_two_devices_and_pins_that_nobody_else_holds(tree: Path) -> None:
    spi = "/soc/spi@7e204000"

    apply(tree, "offhook-spi")

    assert value(tree, spi, "status") == ["okay"]
    assert [value(tree, f"{spi}/panel@{n}", "compatible") for n in (0, 1)] == [["lwn,bk4"]] * 2  # of spidev's table
    groups = ("offhook-spi-bus", "offhook-spi-selects")
    assert value(tree, spi, "pinctrl-0") == [phandle(tree, f"/soc/gpio@7e200000/{name}") for name in groups]
    gpio = phandle(tree, "/soc/gpio@7e200000")
    assert value(tree, spi, "cs-gpios") == [gpio, "8", "1", gpio, "7", "1"]
    assert pins(tree, groups[0]) | pins(tree, groups[1]) == {"7", "8", "9", "10", "11"}
    assert pins(tree, "alt0") == {"4", "5"}  # the Zero 2 W's tree holds these from the start on


def test_the_codecs_card_joins_the_pis_clock_and_the_codec(tree: Path) -> None:
    card, codec = "/offhook-wm8960", "/soc/i2c@7e804000/wm8960@1a"

    apply(tree, "offhook-wm8960")

    assert value(tree, card, "simple-audio-card,name") == ["wm8960-soundcard"]  # ALSA makes "wm8960soundcard" of it
    assert value(tree, f"{card}/simple-audio-card,cpu", "sound-dai") == [phandle(tree, "/soc/i2s@7e203000")]
    assert value(tree, f"{card}/simple-audio-card,codec", "sound-dai") == [phandle(tree, codec)]
    producer = phandle(tree, f"{card}/simple-audio-card,cpu")
    assert value(tree, card, "simple-audio-card,bitclock-master") == [producer]
    dma = phandle(tree, "/soc/dma-controller@7e007000")
    assert value(tree, "/soc/i2s@7e203000", "dmas") == [dma, "2", dma, "3"]  # PCM's requests, BCM2835 4.2.1.3
    assert value(tree, codec, "clocks") == [phandle(tree, "/offhook-mclk")]


def test_i2c_can_be_four_times_as_fast(tree: Path) -> None:
    apply(tree, "offhook-i2c-fast")

    assert value(tree, "/soc/i2c@7e804000", "clock-frequency") == ["400000"]


def test_all_of_them_go_together(tree: Path) -> None:
    for path in sorted(OVERLAYS.glob("*.dts")):
        apply(tree, path.stem)

    assert value(tree, "/soc/spi@7e204000", "status") == value(tree, "/soc/i2s@7e203000", "status") == ["okay"]
