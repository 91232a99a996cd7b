"""A small SVG writer: shapes, text, and the few symbols that a wiring diagram has."""

from __future__ import annotations

from html import escape

INK = "#222222"


class Svg:
    """A drawing in the making; y grows downwards."""

    def __init__(self) -> None:
        self._shapes: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = INK, width: float = 2) -> None:
        """A straight wire."""
        self._shapes.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" stroke-width="{width:g}"/>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "#ffffff",
        stroke: str = INK,
        radius: int = 4,
    ) -> None:
        """A rectangle."""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="1.5"/>'
        )

    def circle(self, x: float, y: float, radius: float, *, fill: str = "#ffffff", stroke: str = INK) -> None:
        """A disc."""
        self._shapes.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'
        )

    def polygon(self, *points: tuple[float, float], fill: str = INK) -> None:
        """A filled shape."""
        corners = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._shapes.append(f'<polygon points="{corners}" fill="{fill}"/>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 13,
        anchor: str = "start",
        fill: str = INK,
        weight: str = "normal",
    ) -> None:
        """One line of words."""
        self._shapes.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-weight="{weight}">{escape(words, quote=False)}</text>'
        )

    def switch(self, x: float, y: float, colour: str, *, closed: bool) -> None:
        """A contact from x to x + 60."""
        self.line(x, y, x + 14, y, colour)
        self.line(x + 46, y, x + 60, y, colour)
        self.circle(x + 16, y, 3, stroke=colour)
        self.circle(x + 44, y, 3, stroke=colour)
        self.line(x + 16, y - (3 if closed else 0), x + 44, y - (3 if closed else 16), colour, 2.5)

    def ground(self, x: float, y: float) -> None:
        """A wire's end at ground."""
        self.line(x, y, x, y + 8)
        for n, half in enumerate((10, 6, 2)):
            self.line(x - half, y + 8 + 4 * n, x + half, y + 8 + 4 * n)

    def resistor(self, x: float, y: float, words: str, colour: str) -> None:
        """A resistor from x to x + 60."""
        self.line(x, y, x + 10, y, colour)
        self.box(x + 10, y - 6, 40, 12, stroke=colour, radius=0)
        self.line(x + 50, y, x + 60, y, colour)
        self.text(x + 30, y - 9, words, size=10, anchor="middle")

    def diode(self, x: float, y: float, colour: str, *, backwards: bool) -> None:
        """A light-emitting diode from x to x + 40, its cathode on the right, or on the left if backwards."""
        self.line(x, y, x + 40, y, colour)
        tip, base = (x + 12, x + 28) if backwards else (x + 28, x + 12)
        self.polygon((base, y - 8), (base, y + 8), (tip, y), fill=colour)
        self.line(tip, y - 8, tip, y + 8, colour, 2.5)
        for offset in (0, 7):
            self.line(x + 18 + offset, y - 11, x + 24 + offset, y - 19, colour, 1.5)

    def zener(self, x: float, y: float, colour: str) -> None:
        """A Zener diode from y down to y + 40, its cathode on top."""
        self.line(x, y, x, y + 40, colour)
        self.polygon((x - 8, y + 28), (x + 8, y + 28), (x, y + 14), fill=colour)
        self.line(x - 8, y + 14, x + 8, y + 14, colour, 2.5)
        self.line(x + 8, y + 14, x + 8, y + 9, colour, 2.5)
        self.line(x - 8, y + 14, x - 8, y + 19, colour, 2.5)

    def finish(self, width: float, height: float) -> str:
        """The whole drawing."""
        shapes = "\n".join(self._shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" font-family="DejaVu Sans, Verdana, sans-serif">\n'
            f'<rect width="{width:g}" height="{height:g}" fill="#fdfcf7"/>\n{shapes}\n</svg>\n'
        )
