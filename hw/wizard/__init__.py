"""The wiring wizard: what contacts do over time in; questions, findings, and a board profile out.

    wizard = Wizard(Situation(watched=frozenset({5, 6, 17})), name="Hall")
    print(wizard.prompt.text)               # "Put the handset in its cradle, and touch nothing else."
    wizard.answer("", now)                  # Enter
    wizard.receive(survey, now)             # again and again
    print(wizard.prompt.text)               # "Lift the handset, and keep it up."
    ...
    wizard.profile                          # TOML, once wizard.prompt is None

Pure: a `Survey` says which pins are connected to ground and which to each other, `wizard.outputs` what should be
driven now; whoever takes the one and obeys the other (`hw.pi.wiring_session`) knows how. Terminal, panel and page show
the same `Prompt`. A module each: the cradle, keys, dial, lamps, ringer, panel, sound, and saving.
"""
