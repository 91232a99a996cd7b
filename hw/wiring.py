"""The wiring of a telephone, drawn from its profile, so that the drawing cannot lie.

python -m hw.wiring handset                    the table of wires
python -m hw.wiring handset --svg > mine.svg   the drawing
python -m hw.wiring --update                   all drawings of hw/boards/drawings anew
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from hw import header
from hw.boards import ProfileError, board_names, load_board
from hw.boards.claims import Claim, claims_of
from hw.boards.profile import Profile
from hw.wiring_parts import COLOURS, parts_of
from hw.wiring_svg import Svg

DRAWINGS = Path(__file__).parent / "boards" / "drawings"
PITCH = 24
HEADER_X, HEADER_Y = 330, 96
TAG_GAP = 34
PARTS_X = 720
WIDTH = 1340


def table(profile: Profile) -> str:
    """The wires as text: place on the header, GPIO, and what it goes to."""
    rows = [("place", "pin", "goes to")]
    rows += [
        (str(header.GPIO_PLACES[claim.gpio]), f"GPIO{claim.gpio}", f"{claim.part}: {claim.wire}")
        for claim in sorted(claims_of(profile), key=lambda claim: header.GPIO_PLACES[claim.gpio])
    ]
    supplies = {supply for part in parts_of(profile) for supply in part.supplies}
    rows += [(_places(supply), supply, "see the drawing") for supply in sorted(supplies)]
    widths = [max(len(row[n]) for row in rows) for n in range(2)]
    lines = [f"{place:<{widths[0]}}  {pin:<{widths[1]}}  {target}" for place, pin, target in rows]
    notes = [f"{part.title}: {note}" for part in parts_of(profile) for note in part.notes]
    return "\n".join([profile.name, "", *lines, "", *notes])


def draw(profile: Profile) -> str:
    """The wiring as an SVG drawing."""
    parts = parts_of(profile)
    bottom = HEADER_Y + 20 * PITCH
    svg = Svg()
    y = HEADER_Y - 40
    for part in parts:
        y = part.draw(svg, PARTS_X, y) + 24
    _title(svg, profile)
    _header(svg, profile)
    return svg.finish(WIDTH, max(bottom + 70, y))


def _title(svg: Svg, profile: Profile) -> None:
    svg.text(32, 44, f"{profile.name}: wiring", size=24, weight="bold")
    svg.text(32, 68, "The Raspberry Pi's header seen from above, its corner with place 1 at the top left.", size=13)


def _header(svg: Svg, profile: Profile) -> None:
    claims: dict[int, list[Claim]] = {}
    for claim in claims_of(profile):
        claims.setdefault(header.GPIO_PLACES[claim.gpio], []).append(claim)
    supplies = {supply for part in parts_of(profile) for supply in part.supplies}
    svg.box(HEADER_X - 16, HEADER_Y - 16, 2 * PITCH + 8, 20 * PITCH + 8, fill="#1d2b24", radius=6)
    for place in range(1, 41):
        row, right = divmod(place - 1, 2)
        _place(svg, place, HEADER_X + right * PITCH, HEADER_Y + row * PITCH, claims.get(place, []), supplies)


def _place(svg: Svg, place: int, x: int, y: int, claims: list[Claim], supplies: set[str]) -> None:
    name = header.place_name(place)
    right = place % 2 == 0
    colour = COLOURS[claims[0].part] if claims else _supply_colour(name) if name in supplies else "#c9c2a6"
    svg.circle(x, y, 8, fill=colour, stroke="#f4f0df")
    svg.text(x, y + 3, str(place), size=8, anchor="middle", fill="#ffffff" if colour != "#c9c2a6" else "#333333")
    edge = x + (TAG_GAP if right else -TAG_GAP)
    anchor = "start" if right else "end"
    if claims:
        svg.line(x + (8 if right else -8), y, edge, y, colour, width=2.5)
        words = f"{name}  {' and '.join(claim.part for claim in claims)}: {claims[0].wire}"
        svg.text(edge + (6 if right else -6), y + 4, words, size=13, anchor=anchor, fill=colour, weight="bold")
    else:
        used = name in supplies
        fill = _supply_colour(name) if used else "#8a8a8a"
        svg.text(edge + (6 if right else -6), y + 4, name, size=12 if used else 10, anchor=anchor, fill=fill)


def _supply_colour(name: str) -> str:
    return {"GND": "#222222", "3V3": "#d06a00", "5V": "#c01818"}.get(name, "#8a8a8a")


def _places(supply: str) -> str:
    return ",".join(str(place) for place, name in sorted(header.POWER_PLACES.items()) if name == supply)


def drawings() -> Iterator[tuple[Path, str]]:
    """The committed drawings: each real board's file, and what should be in it."""
    for name in board_names():
        profile = load_board(name)
        if profile.driver == "pi":
            yield DRAWINGS / f"{name}.svg", draw(profile)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hw.wiring", description="Draw a telephone's wiring.")
    parser.add_argument("board", nargs="?", help="a profile's name or file")
    parser.add_argument("--svg", action="store_true", help="the drawing instead of the table")
    parser.add_argument("--update", action="store_true", help="draw all shipped profiles into their files")
    options = parser.parse_args(arguments)
    if options.update:
        DRAWINGS.mkdir(exist_ok=True)
        for path, drawing in drawings():
            path.write_text(drawing)
        return 0
    if options.board is None:
        parser.error("which board?")
    try:
        profile = load_board(options.board)
    except ProfileError as fault:
        print(*(f"{fault.source}: {problem}" for problem in fault.problems), sep="\n", file=sys.stderr)
        return 1
    print(draw(profile) if options.svg else table(profile))
    return 0


if __name__ == "__main__":
    sys.exit(main())
