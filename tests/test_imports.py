"""Which way imports run (the house's plan), and what the pure rooms may never touch: read off the syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PURE = ("sip", "sdp", "rtp", "audio", "numbering", "phone", "media", "station", "set_up")
WORLD = frozenset(
    ["asyncio", "socket", "ssl", "threading", "time", "secrets", "os", "subprocess", "select", "selectors", "hw"]
)
"""Modules that let the world in: sockets, clocks, chance, threads, hardware."""
FOUNDATIONS = ("sip", "sdp", "rtp", "audio", "numbering")
"""They know nothing of each other."""
MAY_IMPORT = {
    **{room: {room} for room in FOUNDATIONS},
    "phone": {"phone", "audio", "numbering"},
    "media": {"media", "rtp", "audio"},
    "screen": {"screen", "phone"},
    "station": {"station", "sip", "sdp", "media", "audio", "numbering", "phone", "screen", "config", "version"},
    "web": {"web", "phone"},
    "runtime": {"runtime", "sip", "media", "phone", "station", "web", "config", "rtp", "set_up"},
    "config": {"config", "sip", "numbering", "audio"},
    "set_up": {"set_up", "config"},
    "version": set(),
    "wire": {"wire", "config", "runtime", "screen"},
    "__main__": {"app", "config", "runtime", "version", "wire"},
}


def imports_of(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are written whole"
            module = node.module or ""
            whole = [f"firmware.{alias.name}" for alias in node.names] if module == "firmware" else [module]
            found += [(node.lineno, name) for name in whole]
    return found


def modules_of(room: str) -> list[Path]:
    folder = ROOT / "firmware" / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def faults_in(path: Path, allowed: set[str], forbidden: frozenset[str]) -> list[str]:
    faults = []
    for line, name in imports_of(path):
        first, _, rest = name.partition(".")
        second = rest.partition(".")[0]
        if first in forbidden:
            faults.append(f"{path.name}:{line} imports {name}")
        if first == "firmware" and second and second not in allowed:
            faults.append(f"{path.name}:{line} imports {name}")
    return faults


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    forbidden = WORLD if room in PURE else frozenset()

    faults = [fault for path in modules_of(room) for fault in faults_in(path, MAY_IMPORT[room], forbidden)]

    assert faults == []


def test_hardware_never_imports_the_firmware() -> None:
    faults = [
        f"{path}:{line} imports {name}"
        for path in (ROOT / "hw").rglob("*.py")
        for line, name in imports_of(path)
        if name.partition(".")[0] == "firmware"
    ]

    assert faults == []


def test_every_room_has_its_rule() -> None:
    rooms = {path.stem for path in (ROOT / "firmware").iterdir() if path.name[0] != "_" or path.stem == "__main__"}

    assert rooms - {"app", "py"} <= set(MAY_IMPORT)


def test_a_clock_in_a_pure_room_is_found(tmp_path: Path) -> None:
    """The check can fail."""
    module = tmp_path / "transaction.py"
    module.write_text("import time\nfrom firmware.runtime import shell\n")

    assert len(faults_in(module, {"sip"}, WORLD)) == 2


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_draws_no_chance_of_its_own(room: str) -> None:
    """`random` may be imported for the type `Random`, its module-level functions may not."""
    for path in modules_of(room):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert all(alias.name != "random" for alias in node.names), f"{path}:{node.lineno}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "SystemRandom", f"{path}:{node.lineno}"


PURE_HARDWARE = (
    *("wizard/*.py", "debounce.py", "keymatrix.py", "rotary.py", "hook.py"),
    *("cadence.py", "lamp_rhythm.py", "panel_care.py", "card_pace.py"),
)


def test_the_pure_files_of_the_hardware_touch_no_world() -> None:
    files = [path for pattern in PURE_HARDWARE for path in (ROOT / "hw").glob(pattern)]
    world = WORLD - {"hw"}

    faults = [f"{path}:{line} imports {name}" for path in files for line, name in imports_of(path) if name in world]

    assert len(files) > 15
    assert faults == []
