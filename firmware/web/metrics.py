"""The phone's figures in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firmware.phone.view import PhoneView

_QUALITY = {
    "loss_percent": "Packets lost, percent",
    "jitter_ms": "Interarrival jitter, milliseconds",
    "delay_ms": "One-way delay, milliseconds",
    "mos": "Estimated mean opinion score, 1 to 4.5",
}


METRICS_FORM = "text/plain; version=0.0.4; charset=utf-8"
"""The Content-Type of the text."""


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    rows = [f"{name}{labels} {float(value)!r}" for labels, value in samples]
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *rows] if rows else []


def metrics_text(view: PhoneView, counters: Mapping[str, int]) -> str:
    """One sample a line; `counters` are the signalling's."""
    accounts = [
        (f'{{address="{_label(one.address)}"}}', float(one.registered)) for one in view.accounts if one.registers
    ]
    going = [call for call in view.calls if call.state != "ended"]
    lines = _family("offhook_registered", "gauge", "1 while the account is registered", accounts)
    lines += _family("offhook_calls", "gauge", "Calls now, ended ones left out", [("", len(going))])
    lines += _family("offhook_off_hook", "gauge", "1 while the handset is lifted", [("", float(view.hook == "off"))])
    for name, text in _QUALITY.items():
        samples = [
            (f'{{call="{_label(call.id)}"}}', float(getattr(call.quality, name)))
            for call in going
            if call.quality is not None
        ]
        lines += _family(f"offhook_call_{name}", "gauge", text, samples)
    for name, value in counters.items():
        lines += _family(f"offhook_sip_{name}_total", "counter", f"SIP: {name.replace('_', ' ')}", [("", value)])
    return "\n".join(lines) + "\n"
