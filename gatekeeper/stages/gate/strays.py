"""Assets with events in two partitions: nobody can say which event is the latest, so they are held (design §5).

Of two partitions at most one is the asset's home (where the topic's partitioner sends its key), so it is enough to
watch
the records outside their home: the strays. ``catalog`` counts the commits that brought a new one in its transaction
``strays``; who sees it move looks again before committing decisions, so that of two workers the later one knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.layout import STRAYS_APP
from gatekeeper.stages.rights_table import ScannedTable

Home = Callable[[pa.StringArray], npt.NDArray[np.int32]]
_COLUMNS = ["asset_id", "partition"]


class Strays:
    """Belongs to whoever decides, with a catalogue handle of its own. ``home`` is None where the topic has one
    partition.
    """

    def __init__(self, catalog: ScannedTable, home: Home | None) -> None:
        self._catalog = catalog
        self._home = home
        self._partitions_of: dict[str, set[int]] = {}
        self._recorded: frozenset[str] = frozenset()
        self._seen = -1

    def look(self, events: pa.Table) -> tuple[npt.NDArray[np.bool_], int, bool]:
        """Which events are of assets in two partitions; the state of ``strays`` looked at; whether a new stray is
        among them.
        """
        if self._home is None:
            return np.zeros(events.num_rows, np.bool_), -1, False
        self._catalog.refresh()
        if self._catalog.txn(STRAYS_APP) != self._seen:
            self._load()
        stray = self._is_stray(events)
        if not stray.any() and not self._partitions_of:
            return stray, self._seen, False
        assets, partitions = events["asset_id"].to_pylist(), events["partition"].to_pylist()
        # new until the catalogue holds it: a slice decided here may be dropped, and only a commit tells the others
        new = {assets[i] for i in np.flatnonzero(stray)} - self._recorded
        self._partitions_of.update(self._places(new - self._partitions_of.keys()))
        for asset, partition in zip(assets, partitions, strict=True):
            if asset in self._partitions_of:
                self._partitions_of[asset].add(partition)
        conflicting = (len(self._partitions_of.get(asset, ())) > 1 for asset in assets)
        return np.fromiter(conflicting, np.bool_, len(assets)), self._seen, bool(new)

    def _is_stray(self, events: pa.Table) -> npt.NDArray[np.bool_]:
        assert self._home is not None
        ids = events["asset_id"].combine_chunks()
        ids = ids if isinstance(ids, pa.Array) else pa.concat_arrays(ids.chunks)
        found: npt.NDArray[np.bool_] = self._home(ids) != events["partition"].to_numpy()
        return found

    def _load(self) -> None:
        self._seen = self._catalog.txn(STRAYS_APP)
        everything = self._catalog.scan(_COLUMNS)
        stray = everything["asset_id"].filter(pa.array(self._is_stray(everything)))
        self._recorded = frozenset(pc.unique(stray).to_pylist())
        self._partitions_of = self._places(self._recorded)

    def _places(self, assets: Iterable[str]) -> dict[str, set[int]]:
        """The partitions in which the catalogue holds events of these assets."""
        asked = list(assets)
        places: dict[str, set[int]] = defaultdict(set, {asset: set() for asset in asked})
        if asked:
            rows = self._catalog.scan(_COLUMNS, pc.field("asset_id").isin(pa.array(asked, pa.string())))
            for asset, partition in zip(rows["asset_id"].to_pylist(), rows["partition"].to_pylist(), strict=True):
                places[asset].add(partition)
        return places
