"""``gatekeeper replay``: recorded decisions made again from the logs, and compared (design §1, P4; §7).

``rewinding`` is the kernel as it stood at a moment, under the policy and declarations that were active then;
``comparing`` holds recorded decisions against its answers; ``choosing`` says which are looked at.
"""
