"""The stream worker: content events in, three commits a batch, permitted rows out (design §5).

fetching → assembling → deciding → committing, each in a thread of its own, joined by queues bounded in bytes.
``ownership`` knows which partitions are ours and what comes next on each; ``barrier`` knows how new the rights state
is.
"""
