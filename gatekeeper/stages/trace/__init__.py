"""``gatekeeper trace``: where a recording went and why, and what a rightsholder's recordings are used for.

``subjects`` finds the assets that answer to a subject, ``life`` tells everything about one, ``absence`` why one is not
in a release, ``holding`` what is known of all recordings of a party or an account. Nothing here writes or decides.
"""
