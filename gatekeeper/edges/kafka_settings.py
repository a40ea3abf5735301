"""How to reach Kafka: our limits with their units, and the client options that are passed through as they are.

Rules of this file: what correctness rests on (isolation, offset reset, acks, idempotence, auto commit) is set here and
cannot be overridden; how to connect (TLS, SASL, sockets, back-off) is the operator's and is passed through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.range import RangePartitionAssignor

from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.errors import BadInput

PASSED_THROUGH = frozenset(
    {
        "security_protocol",
        "ssl_context",
        "ssl_check_hostname",
        "ssl_cafile",
        "ssl_certfile",
        "ssl_keyfile",
        "ssl_password",
        "ssl_crlfile",
        "ssl_ciphers",
        "sasl_mechanism",
        "sasl_plain_username",
        "sasl_plain_password",
        "sasl_kerberos_name",
        "sasl_kerberos_service_name",
        "sasl_kerberos_domain_name",
        "sasl_oauth_token_provider",
        "proxy_url",
        "client_dns_lookup",
        "client_rack",
        "api_version",
        "retry_backoff_ms",
        "reconnect_backoff_ms",
        "reconnect_backoff_max_ms",
        "connections_max_idle_ms",
        "metadata_max_age_ms",
        "receive_buffer_bytes",
        "send_buffer_bytes",
        "socket_options",
    }
)
"""Options of kafka-python (same names, same meaning) that ``KafkaSettings.options`` may hold."""

_RECONNECT_BACKOFF_MAX_MS = 1000
"""The client's own 30 s would keep a gate blind for as long after a broker is back."""


@dataclass(frozen=True)
class KafkaSettings:
    """``bootstrap_servers`` as ``host:port``; ``options``: see ``PASSED_THROUGH``, anything else raises BadInput."""

    bootstrap_servers: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    client_id: str = "gatekeeper"
    group_id: str = "gatekeeper"
    group_instance_id: str | None = None
    """Static membership: a restart within ``session_timeout_s`` causes no rebalance. Unique per worker."""

    fetch_bytes_max: int = 16 * 2**20
    """One fetch response; about twice this, decompressed, is the most a reader holds unasked for."""
    partition_fetch_bytes_max: int = 4 * 2**20
    poll_bytes_max: int = 32 * 2**20
    """About what one poll hands out, decompressed (it follows the batches of the polls before)."""
    block_bytes_max: int = 256 * 2**20
    """A larger block is handed out in parts (an Arrow binary array ends at 2 GiB)."""
    fetch_wait_s: float = 0.5
    session_timeout_s: float = 45.0
    heartbeat_s: float = 3.0
    poll_interval_max_s: float = 300.0
    """A worker that does not poll for this long loses its partitions."""
    connect_timeout_s: float = 10.0
    request_timeout_s: float = 15.0
    stall_s: float = 60.0
    """A position that stands still below the end of its log for this long is an error, not patience."""
    stable_wait_s: float = 5.0
    """How long an open transaction may hide rights records before the barrier gives up."""

    compression: str | None = "zstd"
    append_linger_s: float = 0.005
    append_batch_bytes: int = 256 * 2**10
    event_bytes_max: int = 2**20
    append_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not self.bootstrap_servers or isinstance(self.bootstrap_servers, str):
            raise BadInput("kafka: bootstrap_servers is not a list of host:port", "name at least one broker")
        unknown = sorted(set(self.options) - PASSED_THROUGH)
        if unknown:
            raise BadInput(
                f"kafka: options that cannot be set: {', '.join(unknown)}",
                f"options that can: {', '.join(sorted(PASSED_THROUGH))}",
            )


def open_consumer(
    settings: KafkaSettings, role: str, isolation: str, *, group: bool = False, fetch_wait_s: float | None = None
) -> KafkaConsumer:
    """A connected consumer that never resets an offset, never commits by itself and never creates a topic."""
    wait_s = settings.fetch_wait_s if fetch_wait_s is None else fetch_wait_s
    return _opened(
        KafkaConsumer,
        settings,
        role,
        group_id=settings.group_id if group else None,
        group_instance_id=settings.group_instance_id if group else None,
        isolation_level=isolation,
        auto_offset_reset="none",
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        # Eager and stateless: between revoke and assign nobody owns anything, so "commits nothing afterwards" is a
        # barrier the protocol gives us. The cooperative assignor keeps a claim after membership was lost.
        partition_assignment_strategy=(RangePartitionAssignor,),
        fetch_max_bytes=settings.fetch_bytes_max,
        max_partition_fetch_bytes=settings.partition_fetch_bytes_max,
        fetch_max_wait_ms=_ms(wait_s),
        session_timeout_ms=_ms(settings.session_timeout_s),
        heartbeat_interval_ms=_ms(settings.heartbeat_s),
        max_poll_interval_ms=_ms(settings.poll_interval_max_s),
        max_poll_records=10**6,  # bytes are the bound, see fetch_bytes_max
        request_timeout_ms=_ms(settings.request_timeout_s),
        bootstrap_timeout_ms=_ms(settings.connect_timeout_s),
        metrics_enabled=False,
    )


def open_producer(settings: KafkaSettings, role: str) -> KafkaProducer:
    """A connected producer: every replica in sync acknowledges, a retry never duplicates or reorders."""
    return _opened(
        KafkaProducer,
        settings,
        role,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        compression_type=settings.compression,
        linger_ms=_ms(settings.append_linger_s),
        batch_size=settings.append_batch_bytes,
        max_request_size=settings.event_bytes_max + settings.append_batch_bytes,
        delivery_timeout_ms=_ms(settings.append_timeout_s),
        max_block_ms=_ms(settings.append_timeout_s),
        request_timeout_ms=_ms(settings.request_timeout_s),
        bootstrap_timeout_ms=_ms(settings.connect_timeout_s),
        metrics_enabled=False,
    )


def open_admin(settings: KafkaSettings, role: str) -> KafkaAdminClient:
    return _opened(
        KafkaAdminClient,
        settings,
        role,
        request_timeout_ms=_ms(settings.request_timeout_s),
        bootstrap_timeout_ms=_ms(settings.connect_timeout_s),
    )


def _opened(client: Any, settings: KafkaSettings, role: str, **ours: Any) -> Any:
    # The three clients know slightly different options; each is given those of the operator's that it knows.
    theirs = {name: value for name, value in settings.options.items() if name in client.DEFAULT_CONFIG}
    options = {"reconnect_backoff_max_ms": _RECONNECT_BACKOFF_MAX_MS, **theirs, **ours}
    servers = list(settings.bootstrap_servers)
    with kafka_calls(f"connect to {', '.join(servers)}"):
        return client(bootstrap_servers=servers, client_id=f"{settings.client_id}-{role}", **options)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
