"""What kafka-python raises → what gatekeeper raises. No exception of the client escapes an edge.

Rules of this file: the first row whose class matches decides; everything the client raises that no row names is
``Unavailable``, because a batch that is not read is never decided (fail closed).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors as kafka

from gatekeeper.errors import BadInput, GatekeeperError, Unavailable, UnsafeLog

_RETENTION = "records between the tables and the log's start are gone: restore them or accept the loss explicitly"
_CREDENTIALS = "check the sasl_* and ssl_* options and the ACLs of this principal"
_TOPIC = "create the topics: deploy/kafka/topics.py (safe to run again)"
_BROKER = (
    "check that the brokers are up and reachable and, where set, the sasl_* and ssl_* options (the client's log says "
    "why it could not connect), then retry; nothing was skipped"
)

ROWS: tuple[tuple[tuple[type[BaseException], ...], type[GatekeeperError], str], ...] = (
    ((kafka.OffsetOutOfRangeError, kafka.NoOffsetForPartitionError), UnsafeLog, _RETENTION),
    ((kafka.LogTruncationError,), UnsafeLog, "acknowledged records were lost by the brokers; compare tables and log"),
    ((kafka.CorruptRecordError,), UnsafeLog, "a record fails its checksum: restore the partition from a good replica"),
    ((kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError), BadInput, "send smaller events"),
    ((kafka.KafkaConfigurationError, kafka.InvalidTopicError), BadInput, "correct the kafka settings"),
    ((kafka.AuthorizationError, kafka.SaslAuthenticationFailedError), Unavailable, _CREDENTIALS),
    ((kafka.UnsupportedCodecError,), Unavailable, "install the compression extra: pip install 'gatekeeper[kafka]'"),
    ((kafka.UnknownTopicOrPartitionError,), Unavailable, _TOPIC),
)


@contextmanager
def kafka_calls(doing: str) -> Iterator[None]:
    """Wrap calls into the client, and nothing else. ``doing`` completes "Kafka: cannot …"."""
    try:
        yield
    except GatekeeperError:
        raise
    except Exception as error:
        raise translate(error, doing) from error


def translate(error: BaseException, doing: str) -> GatekeeperError:
    """The table above, as a value."""
    what = f"Kafka: cannot {doing}: {type(error).__name__}: {error}"
    for classes, ours, do in ROWS:
        if isinstance(error, classes):
            return ours(what, do)
    return Unavailable(what, _BROKER)
