"""`offhook wire`: puts the wiring wizard together with its views: the terminal, the telephone's panel, a page.

The wizard itself is pure (`hw.wizard`), pins and tones are `hw.pi`'s, letters and pages the firmware's own.
"""
