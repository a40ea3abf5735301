"""The tab "Rights review" on the page of a run in Airflow. Found by Airflow through the package's entry point.

Every process of Airflow loads this module, and only its API server ever serves a page: so it imports nothing but what
all of Airflow has in memory anyway, and makes the pages' application when the first one is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/gatekeeper"

Message = MutableMapping[str, Any]


class _Pages:
    """An ASGI application that is made at its first request."""

    _made: Callable[..., Awaitable[None]] | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if self._made is None:
            from gatekeeper.airflow.site import site

            self._made = site()
        await self._made(scope, receive, send)


class GatekeeperPlugin(AirflowPlugin):
    """Pages under ``/gatekeeper``, behind Airflow's own authentication and access to DAG runs."""

    name = "gatekeeper"
    fastapi_apps = [{"app": _Pages(), "url_prefix": PREFIX, "name": "gatekeeper"}]  # noqa: RUF012 (Airflow's contract)
    external_views = [  # noqa: RUF012
        {
            "name": "Rights review",
            "href": f"{PREFIX}/review/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "rights_review",
        }
    ]
