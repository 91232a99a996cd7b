"""The figures of `GET /metrics`, read by the rules of Prometheus' text format 0.0.4."""

from __future__ import annotations

import re

from firmware.phone.events import AccountChanged, CallQuality
from firmware.phone.settings import AccountSettings
from firmware.web.metrics import METRICS_FORM, metrics_text
from tests.support.desk_phone import ACCOUNT, DeskPhone
from tests.support.site import Client, Door, visit

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')


def parsed(text: str) -> dict[str, float]:
    """Every sample by its name and labels; each family is introduced by HELP and TYPE once."""
    assert text.endswith("\n")
    samples: dict[str, float] = {}
    types: dict[str, str] = {}
    helped: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("gauge", "counter")
            types[name] = kind
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            assert found[1] in types
            assert (types[found[1]] == "counter") == found[1].endswith("_total")
            key = f"{found[1]}{{{found[2]}}}" if found[2] else found[1]
            assert key not in samples
            samples[key] = float(found[3])
    assert helped == set(types)
    return samples


def test_an_idle_phone() -> None:
    samples = parsed(metrics_text(DeskPhone().view, {"requests": 3}))

    assert samples == {
        f'offhook_registered{{address="{ACCOUNT}"}}': 0,
        "offhook_calls": 0,
        "offhook_off_hook": 0,
        "offhook_sip_requests_total": 3,
    }


def test_registration_hook_and_calls() -> None:
    desk = DeskPhone()
    desk.give(AccountChanged(ACCOUNT, True, 4600.0, ""))
    desk.talk()

    samples = parsed(metrics_text(desk.view, {}))

    assert samples[f'offhook_registered{{address="{ACCOUNT}"}}'] == 1
    assert samples["offhook_calls"] == 1
    assert samples["offhook_off_hook"] == 1


def test_quality_of_each_call_that_goes_on() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.give(CallQuality(call, 1.25, 3.5, 42.0, 4.2))

    samples = parsed(metrics_text(desk.view, {}))

    assert samples[f'offhook_call_loss_percent{{call="{call}"}}'] == 1.25
    assert samples[f'offhook_call_jitter_ms{{call="{call}"}}'] == 3.5
    assert samples[f'offhook_call_delay_ms{{call="{call}"}}'] == 42.0
    assert samples[f'offhook_call_mos{{call="{call}"}}'] == 4.2
    desk.end(call)
    assert not any(name.startswith("offhook_call_") for name in parsed(metrics_text(desk.view, {})))


def test_large_counters_keep_every_digit() -> None:
    assert parsed(metrics_text(DeskPhone().view, {"requests": 12_345_678}))["offhook_sip_requests_total"] == 12_345_678


def test_labels_are_escaped() -> None:
    desk = DeskPhone(accounts=(AccountSettings('sip:"a\\b\nc"@example.net'),))

    text = metrics_text(desk.view, {})

    assert r'address="sip:\"a\\b\nc\"@example.net"' in text
    parsed(text)


def test_an_account_that_does_not_register_is_left_out() -> None:
    desk = DeskPhone(accounts=(AccountSettings(ACCOUNT, registers=False),))

    assert not any(name.startswith("offhook_registered") for name in parsed(metrics_text(desk.view, {})))


def test_the_form_is_named() -> None:
    async def test(client: Client) -> None:
        async with client.get("/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == METRICS_FORM
            assert answer.headers["Cache-Control"] == "no-store"
            parsed(await answer.text())

    visit(Door(DeskPhone()), test)
