"""``palaestra serve``: an environment for the trainers of other packages."""

from __future__ import annotations

import signal

from tyro.conf import Positional

from .app import Pairs, app, console, knobs_of


@app.command
def serve(
    env: Positional[str],
    knobs: Pairs = (),
    host: str = "127.0.0.1",
    port: int = 8000,
    max_sessions: int = 64,
    idle_seconds: float = 1800.0,
) -> None:
    """Serve an environment over HTTP and WebSockets to OpenEnv clients, until Ctrl-C.

    Whoever reaches the address may play, and nothing is encrypted: keep it on this machine, or behind a proxy.

    Args:
        env: environment id; "module:id" imports the module first; a game is served against a scripted opponent, such
            as palaestra/Nim-vs-random-v0.
        knobs: the environment's knobs, such as modulus=10 or split=test.
        host: address to listen on; 0.0.0.0 for all of this machine's.
        port: 0 takes a free one.
        max_sessions: episodes under way at once.
        idle_seconds: after which a session is given up.
    """
    from palaestra.envs.registration import make_any
    from palaestra.envs.serving import Server

    given = knobs_of(knobs)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Server(
        lambda: make_any(env, **given), host, port, max_sessions=max_sessions, idle_seconds=idle_seconds
    ) as server:
        try:
            console.print(f"{server.about['name']} at {server.url} (Ctrl-C ends it)", markup=False, highlight=False)
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("ended", highlight=False)
