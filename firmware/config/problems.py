"""What is wrong with a configuration file: each problem with its key path, line and remedy."""

from __future__ import annotations

from dataclasses import dataclass

from hw.toml_lines import Path as KeyPath
from hw.toml_lines import line_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file."""

    path: str
    """Key path, "account[0].address"; empty: the file itself."""
    line: int | None
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path + ': ' if self.path else ''}{self.message}; {self.remedy}"


class ConfigurationError(ValueError):
    """The file can't be used. `problems` holds every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class Problems:
    """Collects what is wrong, and knows which values can't be judged further."""

    def __init__(self, lines: dict[KeyPath, int]) -> None:
        """`lines`: where each key stands."""
        self.found: list[Problem] = []
        self._lines = lines
        self._unsound: set[KeyPath] = set()

    def complain(self, path: KeyPath, message: str, remedy: str) -> None:
        """Note a problem of a value that could be read."""
        self.found.append(Problem(_dotted(path), line_of(path, self._lines), message, remedy))

    def spoil(self, path: KeyPath, message: str, remedy: str) -> None:
        """Note a problem of a value that could not; what stands in its place says nothing."""
        self.complain(path, message, remedy)
        self._unsound.add(path)

    def sound(self, *path: str | int) -> bool:
        """Whether a value could be read, or was left to its default."""
        return path not in self._unsound
