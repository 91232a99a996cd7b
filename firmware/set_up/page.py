"""The set-up page: one form, readable on a telephone's screen, complete in itself: no other site is reachable there."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from firmware.config.wifi import SET_UP_SSID
from firmware.set_up.air import Seen
from firmware.set_up.form import FIELDS, SECRET, Mistake

STYLE = """
:root{color-scheme:light dark;--ink:#1d2329;--soft:#56616b;--paper:#fff;--ground:#eef1f3;--line:#8a949d;--deed:#0b5c8c;
--bad:#a4161a;--badground:#fdecec;--good:#17633a}
@media(prefers-color-scheme:dark){:root{--ink:#edf0f2;--soft:#aeb7bf;--paper:#20262b;--ground:#14181b;--line:#79848d;
--deed:#1a71a6;--bad:#ff9d9d;--badground:#3a1d1f;--good:#7fd6a4}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.6rem;margin:.2rem 0}
header p,.hint{color:var(--soft)}
header p{margin:.2rem 0 1rem}
fieldset,.card{background:var(--paper);border:0;border-radius:12px;margin:0 0 1rem;padding:1rem;min-width:0}
legend{float:left;width:100%;font-weight:700;font-size:1.1rem;padding:0;margin-bottom:.4rem}
legend+*{clear:both}
.row{margin-top:.9rem}
label{display:block;font-weight:600}
.hint,.wrong{margin:.4rem 0 0;font-size:.9rem}
.hint{font-weight:400}
input,select{display:block;width:100%;min-height:2.9rem;font:inherit;color:inherit;background:transparent;
border:1px solid var(--line);border-radius:8px;padding:.5rem .7rem}
::placeholder{color:var(--soft);opacity:1}
option{color:#1d2329;background:#fff}
input:focus-visible,select:focus-visible,button:focus-visible,summary:focus-visible{outline:3px solid var(--deed);
outline-offset:2px}
[aria-invalid]{border:2px solid var(--bad)}
.wrong{color:var(--bad);font-weight:600}
.notice{background:var(--badground);border-left:5px solid var(--bad);border-radius:8px;padding:.7rem 1rem;
margin:0 0 1rem}
.notice p{margin:.2rem 0}
.notice a{color:inherit}
.secret{position:relative}
.secret button{position:absolute;right:.3rem;top:.3rem;min-height:2.3rem;padding:0 .7rem;width:auto;
background:transparent;color:var(--ink);border:0;text-decoration:underline;font-size:.9rem}
.secret input{padding-right:4.6rem}
button{width:100%;min-height:3rem;border:0;border-radius:8px;background:var(--deed);color:#fff;font:inherit;
font-weight:700;cursor:pointer}
summary{cursor:pointer;font-weight:600;min-height:2rem}
code{font-size:1.1rem;overflow-wrap:anywhere;background:var(--ground);padding:.1rem .4rem;border-radius:4px}
.good{color:var(--good);font-weight:700}
"""
# Whoever types a password cannot see whether it is right, unless he asks. Without scripts the buttons stay away.
SCRIPT = """
document.querySelectorAll('.secret').forEach(box=>{
const field=box.querySelector('input'),button=document.createElement('button');
button.type='button';button.textContent='Show';button.setAttribute('aria-label','Show '+field.dataset.what);
button.onclick=()=>{const hidden=field.type==='password';field.type=hidden?'text':'password';
button.textContent=hidden?'Hide':'Show';button.setAttribute('aria-label',button.textContent+' '+field.dataset.what)};
box.append(button)});
document.querySelector('[aria-invalid]')?.focus();
"""


def _source(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY = (
    f"default-src 'none'; style-src {_source(STYLE)}; script-src {_source(SCRIPT)}; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""The page's Content-Security-Policy: its own style and script, and nothing else from anywhere."""

COUNTRIES = {
    "at": "Austria", "au": "Australia", "be": "Belgium", "br": "Brazil", "ca": "Canada", "ch": "Switzerland",
    "cn": "China", "cz": "Czechia", "de": "Germany", "dk": "Denmark", "es": "Spain", "fi": "Finland", "fr": "France",
    "gb": "United Kingdom", "ie": "Ireland", "in": "India", "it": "Italy", "jp": "Japan", "nl": "Netherlands",
    "no": "Norway", "nz": "New Zealand", "pl": "Poland", "pt": "Portugal", "se": "Sweden", "us": "United States",
    "za": "South Africa",
}  # fmt: skip
"""Those whose tones are known, by their names."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the page shows."""

    ticket: str
    """Only a page that could read it can send the form."""
    values: Mapping[str, str]
    boards: Mapping[str, str]
    """The kinds of telephone: name, and what it is."""
    networks: Sequence[Seen] = ()
    mistakes: Sequence[Mistake] = ()
    kept: frozenset[str] = field(default_factory=frozenset)
    """The passwords that stay if their fields do."""
    forgetful: bool = False
    """The card's memory cannot be used: what is answered is forgotten when the telephone is switched off."""


@dataclass(frozen=True, slots=True)
class _Question:
    label: str
    hint: str = ""
    options: str = ""
    """Attributes of the input."""


_QUESTIONS = {
    "ssid": _Question("Network", "Leave empty if the telephone is on a cable.", 'list="networks" autocomplete="off"'),
    "wifi_password": _Question("Wi-Fi password", "", 'autocomplete="off"'),
    "address": _Question(
        "SIP address",
        "As your provider or exchange gave it, such as 1001@example.net",
        'required inputmode="email" placeholder="1001@example.net" autocomplete="off"',
    ),
    "password": _Question("SIP password", "", 'autocomplete="off"'),
    "name": _Question("Name", "On its panel, and for those it calls.", 'placeholder="Hall" autocomplete="off"'),
    "board": _Question("Kind of telephone"),
    "country": _Question("Country", "For the dial tone and the ring, and the channels Wi-Fi may use."),
    "username": _Question("User name", "If your provider gave one that is not in the address.", 'autocomplete="off"'),
    "registrar": _Question("Server", "If it is not the part of the address after the @.", 'autocomplete="off"'),
    "outbound_proxy": _Question("Outbound proxy", "If your provider names one.", 'autocomplete="off"'),
    "wifi_country": _Question(
        "Wi-Fi country", "Two letters, if it is not the country above.", 'maxlength="2" autocomplete="off"'
    ),
}
_FORGETFUL = (
    '<div class="notice"><p>The memory card cannot be used: what you save here is forgotten when the telephone is '
    "switched off. Replace the card, or write it anew.</p></div>"
)
_MORE = ("username", "registrar", "outbound_proxy", "wifi_country")


def form_page(form: Form) -> str:
    """The page that asks, with what was answered before and what is wrong with it."""
    rows = {name: _row(name, form) for name in FIELDS}
    opened = " open" if any(one.field in _MORE or form.values.get(one.field) for one in form.mistakes) else ""
    known = "".join(f'<option value="{escape(one.ssid)}">' for one in form.networks)
    body = (
        "<header><h1>Set up your telephone</h1>"
        "<p>It needs a network, and an account at a SIP provider or exchange.</p></header>"
        f'{_FORGETFUL if form.forgetful else ""}{_notice(form.mistakes)}<form method="post" action="/">'
        f'<input type="hidden" name="ticket" value="{escape(form.ticket)}">'
        f'<datalist id="networks">{known}</datalist>'
        f"{_group('Wi-Fi', rows['ssid'], rows['wifi_password'])}"
        f"{_group('Account', rows['address'], rows['password'])}"
        f"{_group('Telephone', rows['name'], rows['board'], rows['country'])}"
        f'<details class="card"{opened}><summary>More, seldom needed</summary>{"".join(map(rows.get, _MORE))}</details>'  # type: ignore[arg-type]
        '<button type="submit">Save and try</button></form>'
    )
    return _page("Set up your telephone", body)


def _notice(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return ""
    # One is said whole, as on the way back from a trial; of more, each stands at its field.
    whole = [one for one in mistakes if not one.field or len(mistakes) == 1]
    lines = "".join(f"<p>{escape(_sentence(one.words))}</p>" for one in whole)
    fields = dict.fromkeys(one.field for one in mistakes if one.field)
    links = ", ".join(f'<a href="#{name}">{escape(_QUESTIONS[name].label)}</a>' for name in fields)
    look = f"<p>Please look at: {links}.</p>" if links else ""
    return f'<div class="notice" role="alert"><p><strong>That did not work yet.</strong></p>{lines}{look}</div>'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?", "!")) else ".")


def _group(title: str, *rows: str) -> str:
    return f"<fieldset><legend>{escape(title)}</legend>{''.join(rows)}</fieldset>"


def _row(name: str, form: Form) -> str:
    question = _QUESTIONS[name]
    hint = "Leave empty to keep the one it has." if name in form.kept else question.hint
    wrong = [one.words for one in form.mistakes if one.field == name]
    parts, described = [], []
    if hint:
        described.append(f"{name}-hint")
        parts.append(f'<p class="hint" id="{name}-hint">{escape(hint)}</p>')
    if wrong:
        described.append(f"{name}-wrong")
        parts.append(f'<p class="wrong" id="{name}-wrong">{escape(" ".join(map(_sentence, wrong)))}</p>')
    state = f' aria-describedby="{" ".join(described)}"' if described else ""
    state += ' aria-invalid="true"' if wrong else ""
    label = f'<label for="{name}">{escape(question.label)}</label>'
    return f'<div class="row">{label}{_control(name, form, state)}{"".join(parts)}</div>'


def _control(name: str, form: Form, state: str) -> str:
    question, value = _QUESTIONS[name], form.values.get(name, "")
    if name == "board":
        return _choice(name, form.boards, value, state)
    if name == "country":
        return _choice(name, dict(sorted(COUNTRIES.items(), key=lambda item: item[1])), value.lower(), state)
    head = f'<input id="{name}" name="{name}" maxlength="256" {question.options}{state}'
    if name in SECRET:  # never sent back to a browser
        return f'<div class="secret">{head} type="password" data-what="{escape(question.label)}"></div>'
    return f'{head} value="{escape(value)}">'


def _choice(name: str, options: Mapping[str, str], chosen: str, state: str) -> str:
    every = options if not chosen or chosen in options else {**options, chosen: chosen}
    lines = "".join(
        f'<option value="{escape(key)}"{" selected" if key == chosen else ""}>{escape(words)}</option>'
        for key, words in every.items()
    )
    return f'<select id="{name}" name="{name}"{state}>{lines}</select>'


def progress_page(words: str, token: str, *, wifi: bool, done: bool = False) -> str:
    """The page while it is tried: it looks again by itself. `wifi`: the set-up network closes meanwhile.

    `token`: of the telephone's own page; empty for a visitor whom it does not concern.
    """
    if done:
        state = f'<p class="good">{escape(words)}</p><p>Lift the handset: there is the dial tone.</p>'
    else:
        state = f"<p><strong>{escape(words)}</strong></p>"
    leaving = (
        f"<p>The network &ldquo;{SET_UP_SSID}&rdquo; closes now: join your own Wi-Fi again. In about a minute the "
        f"telephone is in service.</p><p>If something is wrong, &ldquo;{SET_UP_SSID}&rdquo; comes back, and this page, "
        "http://offhook.local/, says what.</p>"
        if wifi and not done
        else ""
    )
    page = (
        '<div class="card"><p>The telephone has a page of its own, http://offhook.local:8080/, which asks for this '
        f"token. Keep it:</p><p><code>{escape(token)}</code></p></div>"
    )
    body = (
        f'<header><h1>Saved</h1></header><div class="card" role="status">{state}{leaving}</div>{page if token else ""}'
    )
    return _page("Saved", body, refresh=not done)


def _page(title: str, body: str, *, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="3;url=/">' if refresh else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{again}'
        f"<title>Offhook: {escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main><script>{SCRIPT}</script></body></html>"
    )
