"""The verbs, in order: gate → fold → (build → check → publish)."""
