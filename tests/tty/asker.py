"""A program that asks what its arguments say and prints the answer: what test_ask.py drives through a terminal."""

from __future__ import annotations

import sys

from multigit.errors import MultigitError
from multigit.ui import ask, lang
from multigit.ui.screen import Screen


def main(question: str, *rest: str) -> int:
    with Screen.open() as screen:
        try:
            screen.progress("gli_api", "fetching")
            match question:
                case "yes":
                    answer: object = ask.yes(screen, rest[0])
                case "tick":
                    items = lang.pre_deploy("ko" if rest[0] == "ko" else "en")
                    answer = len(ask.tick(screen, lang.sentence("en", "pre_title"), items))
                case _:
                    answer = ask.typed(screen, lang.sentence("ko", "phrase", phrase=rest[0]), rest[0])
        except MultigitError as problem:
            screen.error(problem)
            return problem.exit_code
        screen.say(f"answer: {answer}")
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
