"""``gatekeeper build``: a dataset's rows become a candidate, every one of them decided again (design §6).

``judging`` decides a block of rows, ``forgery`` says which refused rows no decision on record explains, ``building`` is
the order of it all.
"""
