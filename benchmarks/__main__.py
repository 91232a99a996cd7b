"""Every benchmark, one after another, and one table: `make bench`, or `python -m benchmarks [--quick]`.

Run it on an idle machine. Each peer does the same in the same run, so the ratios hold on a busy one too.
"""

from __future__ import annotations

import sys

from benchmarks import call, exchange, invite_to_180, parse_invite, rtp_pacing, start
from benchmarks.figures import table


def main() -> None:
    """Run all and print the table."""
    quick = "--quick" in sys.argv
    figures = []
    for benchmark in (parse_invite, start, invite_to_180, rtp_pacing, call, exchange):
        print(f"{benchmark.__name__.rpartition('.')[2]} ...", file=sys.stderr, flush=True)
        figures += benchmark.run(quick=quick)
    print(table(figures))


if __name__ == "__main__":
    main()
