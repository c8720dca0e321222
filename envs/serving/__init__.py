"""The way out: an environment served to clients of other packages, in the contract of OpenEnv's ``EnvClient``.

The client holds a WebSocket to ``/ws``, one session each; ``/reset``, ``/step``, ``/state`` and ``/close`` offer the
same by plain requests that name their session. https://huggingface.co/docs/openenv
"""

from .server import Server
from .sessions import Refused, Session, Sessions

__all__ = ["Refused", "Server", "Session", "Sessions"]
