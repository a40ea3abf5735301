"""Cedar on requests whose facts were gathered for it: ``cedar_engine.py FILE`` prints seconds and the allowed ones."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cedarpy

LAYERS = ("claim", "agreement", "wishes0", "wishes1", "wishes2", "licence", "terms")


def policy(seats: int) -> str:
    """The first layer that speaks decides each interest, and every interest must be permitted."""

    def of(seat: int, layers: tuple[str, ...]) -> str:
        if not layers:
            return "false"
        at = f"context.s{seat}"
        return f'(if {at} has {layers[0]} then {at}.{layers[0]} == "permit" else {of(seat, layers[1:])})'

    return f"permit(principal, action, resource) when {{ {' && '.join(of(s, LAYERS) for s in range(seats))} }};"


def main(file: str) -> None:
    contexts = json.loads(Path(file).read_text())
    requests = [
        {"principal": 'Use::"any"', "action": 'Action::"use"', "resource": 'Asset::"any"', "context": context}
        for context in contexts
    ]
    policies = policy(3)
    cedarpy.is_authorized_batch(requests[:10], policies, [])
    started = time.perf_counter()
    answers = cedarpy.is_authorized_batch(requests, policies, [])
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"seconds": seconds, "allowed": [answer.allowed for answer in answers]}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
