"""What bell, ear, lamps and switches should do, as a function of the phone's state; only differences become actions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from firmware.audio.tones import Tone
from firmware.phone.desk import Desk
from firmware.phone.events import Action, ConnectAudio, Ring, SetAudio, SetLamp, SoundKnock, SoundTone, StopRing
from firmware.phone.options import Options
from firmware.phone.settings import Tones

LampState = Literal["off", "on", "ring", "held", "missed"]
LAMPS = ("message", "mute", "hold", "speaker", "line1", "line2")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Everything that stays until it is changed."""

    audio: SetAudio | None
    connected: str | None
    tone: Tone | None
    knock: Tone | None
    ring: Ring | None
    lamps: tuple[LampState, ...]


_DARK: tuple[LampState, ...] = ("off", "off", "off", "off", "off", "off")
SILENT = Outputs(audio=None, connected=None, tone=None, knock=None, ring=None, lamps=_DARK)
"""How a phone comes out of its box."""


def wanted(desk: Desk) -> Outputs:
    """Return what should sound and shine now."""
    call = desk.focused
    return Outputs(
        audio=_audio(desk),
        connected=call.id if call is not None and call.audible and desk.present else None,
        tone=_progress_tone(desk) if desk.present else None,
        knock=_waiting_tone(desk) if desk.present else None,
        ring=_ring(desk),
        lamps=_lamps(desk),
    )


def differences(old: Outputs, new: Outputs) -> list[Action]:
    """Return the actions that turn one into the other: silence first, then sound."""
    actions: list[Action] = []
    changed = {field.name for field in fields(Outputs) if getattr(old, field.name) != getattr(new, field.name)}
    if "ring" in changed and new.ring is None:
        actions.append(StopRing())
    if "audio" in changed and new.audio is not None:
        actions.append(new.audio)
    if "tone" in changed:
        actions.append(SoundTone(new.tone))
    if "knock" in changed:
        actions.append(SoundKnock(new.knock))
    if "connected" in changed:
        actions.append(ConnectAudio(new.connected))
    if "ring" in changed and new.ring is not None:
        actions.append(new.ring)
    pairs = zip(LAMPS, old.lamps, new.lamps, strict=True)
    actions += [SetLamp(lamp, state) for lamp, before, state in pairs if before != state]
    return actions


def cadence_ms(tone: Tone) -> tuple[int, ...]:
    """Return a ring's cadence (on, off, on, off, ... milliseconds); a tone without pauses is one long ring."""
    cadence: list[int] = []
    sounding = False
    for segment in tone.segments:
        duration = 60_000 if segment.duration_ms is None else segment.duration_ms
        if cadence and sounding == bool(segment.frequencies_hz):
            cadence[-1] += duration
        elif cadence or segment.frequencies_hz:  # a leading pause belongs to no ring
            cadence.append(duration)
            sounding = bool(segment.frequencies_hz)
    return (*cadence, 0) if len(cadence) % 2 else tuple(cadence)


def _audio(desk: Desk) -> SetAudio:
    return SetAudio(
        earpiece_volume=desk.levels.earpiece,
        ringer_volume=desk.levels.ringer,
        muted=desk.levels.muted,
        handset=desk.off_hook and not desk.handsfree,
        loudspeaker=desk.handsfree,
    )


def _progress_tone(desk: Desk) -> Tone | None:
    if desk.stage == "entry":
        return _entry_tone(desk)
    if desk.options is not None:
        return _menu_tone(desk.settings.tones, desk.options)
    if desk.stage == "ended" and desk.ended_tone is not None:
        return _by_name(desk, desk.ended_tone)
    call = desk.focused
    # RFC 3960 §3.2: ringing is sounded here only if no early media comes.
    if call is None or not call.trying or call.state == "early":
        return None
    if call.state == "ringing":
        return desk.settings.tones.ringback
    return desk.settings.tones.connecting if call.unheard else None


def _entry_tone(desk: Desk) -> Tone | None:
    assert desk.entry is not None
    tones = desk.settings.tones
    if desk.entry.howling:
        return tones.howler
    if desk.entry.refused:
        return tones.number_unobtainable
    return None if desk.entry.digits else tones.dial


def _menu_tone(tones: Tones, options: Options) -> Tone | None:
    by_name = {
        "choose": tones.choose, "sure": tones.sure, "done": tones.done, "off": tones.off, "refused": tones.refused,
    }  # fmt: skip
    return None if options.tone is None else by_name[options.tone]


def _waiting_tone(desk: Desk) -> Tone | None:
    """Who knocks is heard whatever the person does, and over whatever sounds: the bell is silent meanwhile."""
    return desk.settings.tones.call_waiting if _somebody_calls(desk) else None


def _somebody_calls(desk: Desk) -> bool:
    """Whether there is somebody to answer, whom the person has not silenced."""
    caller = desk.calls.alerting()
    return (caller is not None and not caller.silenced) or desk.calls.recalling() is not None


def _by_name(desk: Desk, name: Literal["busy", "congestion", "number_unobtainable", "howler"]) -> Tone:
    tones = desk.settings.tones
    return {
        "busy": tones.busy,
        "congestion": tones.congestion,
        "number_unobtainable": tones.number_unobtainable,
        "howler": tones.howler,
    }[name]


def _ring(desk: Desk) -> Ring | None:
    caller = desk.calls.alerting() or desk.calls.recalling()
    if desk.present or caller is None or caller.silenced:
        return None
    tone = desk.settings.tones.ring
    return Ring(tone, cadence_ms(tone), desk.levels.ringer)


def _lamps(desk: Desk) -> tuple[LampState, ...]:
    return (
        _message_lamp(desk),
        "on" if desk.levels.muted else "off",
        "held" if desk.calls.held() else "off",
        "on" if desk.handsfree else "off",
        _line_lamp(desk, 1),
        _line_lamp(desk, 2),
    )


def _message_lamp(desk: Desk) -> LampState:
    """The one lamp of many a telephone: it is seen where the bell is not heard."""
    if _somebody_calls(desk):
        return "ring"
    return "missed" if desk.history.missed else "off"


def _line_lamp(desk: Desk, line: int) -> LampState:
    """What there is to do for the person; a call that the far end holds is theirs to take back, and stays lit."""
    call = desk.calls.on_line(line)
    if call is None:
        return "off"
    if call.alerting or call.recalling:
        return "ring"
    return "held" if call.held_by_us else "on"
