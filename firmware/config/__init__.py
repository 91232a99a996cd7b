"""The configuration file: its sections as frozen dataclasses, what their values may be, what is wrong with one."""

from firmware.config.problems import ConfigurationError, Problem
from firmware.config.reading import load, parse
from firmware.config.sections import (
    AVAILABLE_CODECS,
    CODECS,
    AccountSection,
    Config,
    DialSection,
    HardwareSection,
    MediaSection,
    PhoneSection,
    RegistrarSection,
    SipSection,
    WebSection,
)

__all__ = [
    "AVAILABLE_CODECS",
    "CODECS",
    "AccountSection",
    "Config",
    "ConfigurationError",
    "DialSection",
    "HardwareSection",
    "MediaSection",
    "PhoneSection",
    "Problem",
    "RegistrarSection",
    "SipSection",
    "WebSection",
    "load",
    "parse",
]
