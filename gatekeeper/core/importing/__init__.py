"""A row of somebody's catalogue → a content event: a mapping written as data, applied by pure functions."""
