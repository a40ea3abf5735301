"""The sweep: what rights changes, time, policy or declarations touch is decided again over the catalogue (design §5).

``touched`` says what may have changed since the last sweep, ``latest`` which events speak for their assets now,
``comparing`` which decisions differ from the last ones, ``committing`` how they come to stand beside a running gate;
``sweeping`` puts them in order.
"""
