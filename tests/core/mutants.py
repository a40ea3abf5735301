"""Small semantic changes that the comparison of kernel and reference must notice, each in words and as text."""

from __future__ import annotations

from tests.core.mutating import Mutant

KERNEL_MUTANTS = [
    # scopes: purposes, territories, models
    Mutant(
        "a yes for any territory is enough",
        "snapshot.scopes",
        "use.territories <= scope.territories",
        "not use.territories.isdisjoint(scope.territories)",
    ),
    Mutant(
        "a no must cover all territories",
        "snapshot.scopes",
        "not scope.territories.isdisjoint(use.territories)",
        "use.territories <= scope.territories",
    ),
    Mutant(
        "a territorial yes covers a worldwide use",
        "snapshot.scopes",
        "somewhere = bool(use.territories) and",
        "somewhere = not use.territories or",
    ),
    Mutant(
        "a territorial no does not touch a worldwide use",
        "snapshot.scopes",
        "touches = not scope.territories or not use.territories or",
        "touches = not scope.territories or",
    ),
    Mutant(
        "a yes for a model covers a use without one",
        "snapshot.scopes",
        "some_model = use.model is not None and",
        "some_model = use.model is None or",
    ),
    Mutant(
        "a no for a model does not touch a use without one",
        "snapshot.scopes",
        "same_model = not scope.models or use.model is None or",
        "same_model = not scope.models or",
    ),
    Mutant(
        "explicit purposes are covered by their ancestors",
        "snapshot.scopes",
        "if purposes.explicit[step]:",
        "if False:",
    ),
    Mutant(
        "a no covers its own purpose only",
        "snapshot.scopes",
        'return (purpose + ".").startswith(named + ".")',
        "return purpose == named",
    ),
    Mutant(
        "a no to a part of a purpose vanishes for the whole",
        "snapshot.scopes",
        ' or named == "=" + use.purpose',
        "",
    ),
    Mutant(
        "a no to a part of a purpose covers what is beneath the whole",
        "snapshot.scopes",
        'named == "=" + use.purpose',
        'beneath(named.lstrip("="), use.purpose)',
    ),
    Mutant(
        "signals on the log deny where they leave unclear",
        "snapshot.intake",
        'code = CODES["wishes", heard.reason]',
        'code = CODES["wishes", heard.reason if heard.says == "prohibit" else "consent.withdrawn"]',
    ),
    Mutant(
        "a yes is matched as a no is",
        "snapshot.scopes",
        "if scope.is_yes else _no(scope, use)",
        "if False else _no(scope, use)",
    ),
    # intervals
    Mutant(
        "an interval begins after its beginning",
        "snapshot.speaking",
        "(level.from_us[rows] <= instant_us)",
        "(level.from_us[rows] < instant_us)",
    ),
    Mutant(
        "an interval includes its end",
        "snapshot.speaking",
        "(instant_us < level.until_us[rows])",
        "(instant_us <= level.until_us[rows])",
    ),
    Mutant(
        "ends set later are not found",
        "snapshot.level",
        "np.array([row for _, row in late], np.int64)",
        "np.empty(0, np.int64)",
    ),
    Mutant(
        "moving in time stops short of the instant",
        "snapshot.level",
        '[low_us, high_us], side="right")',
        '[low_us, high_us], side="left")',
    ),
    # precedence
    Mutant("every consent of a speaker counts", "snapshot.speaking", "bits & (seen == 1)", "bits"),
    Mutant(
        "the lowest position of a speaker's consents counts",
        "snapshot.ordering",
        "np.lexsort((-part.position,",
        "np.lexsort((part.position,",
    ),
    Mutant("all wishes are of one tier", "snapshot.reasons", 'tier if layer == "wishes" else 0', "0"),
    Mutant(
        "tiers are read from the bottom",
        "snapshot.reasons",
        'tier if layer == "wishes" else 0',
        '7 - tier if layer == "wishes" else 0',
    ),
    Mutant(
        "layers have a fixed order",
        "snapshot.reasons",
        "(layers.index(layer) << _LAYER_BITS)",
        "(sorted(layers).index(layer) << _LAYER_BITS)",
    ),
    Mutant(
        "a hold outranks a deny",
        "snapshot.reasons",
        "order[code] = (verdict << 8) | place",
        "order[code] = ((1, 0, 2)[verdict] << 8) | place",
    ),
    Mutant(
        "one permit is enough",
        "snapshot.reasons",
        "order[code] = (verdict << 8) | place",
        "order[code] = ((2 - verdict) << 8) | place",
    ),
    Mutant(
        "the lowest layer is reported",
        "snapshot.reasons",
        "order[code] = (verdict << 8) | place",
        "order[code] = (verdict << 8) | (255 - place)",
    ),
    Mutant(
        "deletion is named before takedown",
        "snapshot.reasons",
        '    ("claim.takedown", DENY),\n    ("claim.deletion", DENY),',
        '    ("claim.deletion", DENY),\n    ("claim.takedown", DENY),',
    ),
    Mutant(
        "permit beats prohibit in an agreement",
        "snapshot.reasons",
        '(("agreement.prohibit", DENY), ("agreement.permit", PERMIT))',
        '(("agreement.permit", PERMIT), ("agreement.prohibit", DENY))',
    ),
    Mutant(
        "the tag is read before a withdrawal",
        "snapshot.reasons",
        '    ("consent.withdrawn", DENY),\n    ("reservation.no_ai_tag", DENY),',
        '    ("reservation.no_ai_tag", DENY),\n    ("consent.withdrawn", DENY),',
    ),
    Mutant("the content's own statement comes last", "kernel.content_says", "& ~BY_RIGHTS, uses)", "| 2**49, uses)"),
    Mutant(
        "a licence permits what it prohibits",
        "kernel.content_says",
        '("licence.prohibit", Scope(row.prohibits, is_yes=False))',
        '("licence.permit", Scope(row.prohibits, is_yes=False))',
    ),
    # who counts
    Mutant(
        "the account's yes counts for others' interests",
        "kernel.hearing",
        "spoken.where(~_YES.take(spoken.codes) | holds)",
        "spoken",
    ),
    Mutant(
        "the account's no counts only where it holds",
        "kernel.hearing",
        "spoken.where(~_YES.take(spoken.codes) | holds)",
        "spoken.where(holds)",
    ),
    Mutant(
        "the account's general yes counts for others' interests",
        "kernel.verdicts",
        "alone = content.without_interests\n        shared",
        "alone = np.arange(content.rows)\n        shared",
    ),
    Mutant(
        "a claim on a party stops its own interests only",
        "kernel.hearing",
        "own = _OWN.take(spoken.codes)",
        "own = np.ones(len(spoken.codes), np.bool_)",
    ),
    Mutant(
        "a party speaks for every interest",
        "kernel.hearing",
        "own = _OWN.take(spoken.codes)",
        "own = np.zeros(len(spoken.codes), np.bool_)",
    ),
    Mutant(
        "only the first interest is heard",
        "kernel.hearing",
        "further = content.counts.take(spoken.places) > nth",
        "further = content.counts.take(spoken.places) > 99",
    ),
    Mutant(
        "anyone may speak about anything",
        "kernel.hearing",
        "bound = spoken.speakers != NOBODY",
        "bound = spoken.speakers > NOBODY",
    ),
    Mutant(
        "anyone may consent for a party or account", "snapshot.intake", 'data["subject"] != data["speaker"]', "False"
    ),
    Mutant("a claim on a party goes unheard", "kernel.verdicts", "if heard.by_party_shared.any:", "if False:"),
    # the log
    Mutant("the last close counts", "snapshot.intake", "if intake.recent.until_us[row] == ALWAYS_US:", "if True:"),
    Mutant(
        "a new signing leaves the old agreement in force",
        "snapshot.intake",
        "    _drop(intake, ref, sealed)\n    party",
        "    party",
    ),
    Mutant(
        "the latest termination counts", "snapshot.intake", "= min(intake.recent.until_us[row], until_us)", "= until_us"
    ),
    Mutant(
        "a termination is not heard",
        "snapshot.intake",
        "    for row in intake.recent.rows_of(ref):\n        intake.recent.until_us",
        "    for row in []:\n        intake.recent.until_us",
    ),
    Mutant("an unreadable record holds nobody", "snapshot.intake", "if record.subject is not None:", "if False:"),
    Mutant(
        "an answer does not release",
        "snapshot.intake",
        """_drop(intake, f"unreadable:{event.data['position']}", sealed)""",
        "pass",
    ),
    Mutant(
        "lifting one vocabulary lifts all",
        "snapshot.intake",
        """return f"reservation:{event.data['vocabulary']}:{event""",
        """return f"reservation:{event""",
    ),
    Mutant(
        "an empty scope covers everything",
        "snapshot.intake",
        'if scope.get("all"):',
        'if scope.get("all") or not any(scope.values()):',
    ),
    Mutant("listed catalogues are not in scope", "snapshot.intake", '("catalogs", "catalog"), ', ""),
    Mutant("listed recordings are not in scope", "snapshot.intake", '("isrcs", "isrc"), ', ""),
    Mutant(
        "a second delivery counts again",
        "snapshot.seen",
        "if digest in known or digest in self._recent:",
        "if False:",
    ),
    Mutant(
        "the source is no part of an event's identity",
        "snapshot.seen",
        "{len(source)}:{source}{event_id}",
        "{event_id}",
    ),
    Mutant(
        "events at the position are applied",
        "snapshot.snapshot",
        "<= record.position < position",
        "<= record.position <= position",
    ),
    Mutant(
        "a sealed claim cannot be resolved",
        "snapshot.sealed",
        "            if level.until_us[row] == ALWAYS_US:",
        "            if False:",
    ),
    Mutant(
        "a sealed agreement cannot be replaced",
        "snapshot.sealed",
        "        for level, row in self._of_ref(ref):\n            self._drop_row",
        "        for level, row in []:\n            self._drop_row",
    ),
    Mutant(
        "a sealed agreement cannot be terminated", "snapshot.sealed", "if level.until_us[row] > until_us:", "if False:"
    ),
    Mutant(
        "consents in different levels are not weighed together",
        "snapshot.sealed",
        "mine & (level.from_us[run] != NEVER)",
        "mine & False",
    ),
    Mutant("a speaker gets a second number", "snapshot.sealed", "if heads else None", "if False else None"),
    Mutant("edits leave the masks alone", "snapshot.sealed", "            if rows:\n", "            if False:\n"),
    # terms
    Mutant(
        "terms begin after their beginning",
        "snapshot.terms",
        "if v.effective_us <= instant_us)",
        "if v.effective_us < instant_us)",
    ),
    Mutant(
        "the terms published last are in force",
        "snapshot.terms",
        "key=lambda v: (v.effective_us, v.position)",
        "key=lambda v: v.position",
    ),
    Mutant("every terms are accepted by use", "snapshot.terms", "if v.acceptance == CONTINUED_USE", "if True"),
    Mutant(
        "acceptance does not count",
        "kernel.hearing",
        "np.maximum.at(self.heard.terms_place, spoken.places, places)",
        "pass",
    ),
    Mutant(
        "a permit of the terms reaches explicit purposes",
        "snapshot.terms",
        'word == "permit" and not yes_flows',
        "False and not yes_flows",
    ),
    Mutant(
        "the farthest listed purpose answers",
        "snapshot.terms",
        "in purposes.lineage(use.purpose):",
        "in purposes.lineage(use.purpose)[::-1]:",
    ),
    # content
    Mutant("hyphens in an ISRC matter", "kernel.content", 'pc.replace_substring(strings, "-", "")', "strings"),
    Mutant(
        "the case of an ISRC matters",
        "kernel.content",
        "_without_hyphens(pc.ascii_upper(strings))",
        "_without_hyphens(strings)",
    ),
    Mutant(
        "the case of a digest matters",
        "kernel.content",
        "Owned(pc.ascii_lower(strings), asset)",
        "Owned(strings, asset)",
    ),
    Mutant(
        "roles are required without interests",
        "kernel.verdicts",
        "lacks = content.counts > 0",
        "lacks = content.counts >= 0",
    ),
    Mutant("missing roles outrank a deny", "kernel.verdicts", " & (VERDICT_OF.take(code) != DENY)", ""),
    Mutant("missing roles pass", "kernel.verdicts", "missing |= lacks", "pass"),
    Mutant("removal goes unheard", "kernel.content_says", "np.flatnonzero(removed)", "np.flatnonzero(removed)[:0]"),
    Mutant(
        "conflict goes unheard", "kernel.content_says", "np.flatnonzero(conflicting)", "np.flatnonzero(conflicting)[:0]"
    ),
    Mutant(
        "evidence of a removal names the event itself", "kernel.answers", '"removed_by"), (borne', '"offset"), (borne'
    ),
    # finding rows
    Mutant(
        "only the first row of a subject is read",
        "kernel.findings",
        'np.flatnonzero(linked.records["code"] & MORE)',
        "np.empty(0, np.int64)",
    ),
    Mutant(
        "a hash is enough",
        "snapshot.level",
        "words.take(asked, axis=0), lengths.take(asked))",
        "words.take(asked, axis=0), lengths.take(asked)) | True",
    ),
    Mutant("the side table is skipped", "snapshot.level", "rows[at] = self.side.get((kind, key), -1)", "rows[at] = -1"),
    Mutant("speakers sorted apart are not looked up", "kernel.hearing", "if len(apart.rows):", "if False:"),
    Mutant("recent rows are not read", "kernel.hearing", "snapshot.tables()", "snapshot.levels"),
]

REFERENCE_MUTANTS = [
    Mutant(
        "a no to a part of a purpose vanishes for the whole",
        "statements",
        "None if only(purpose) in statement.purposes else Mismatch.OTHER_PURPOSE",
        "Mismatch.OTHER_PURPOSE",
    ),
    Mutant(
        "a no to a part of a purpose covers what is beneath the whole",
        "statements",
        "if only(purpose) in statement.purposes",
        "if any(only(p) in statement.purposes for p in lineage)",
    ),
    Mutant(
        "a yes for any territory is enough",
        "statements",
        "use.territories <= statement.territories",
        "bool(use.territories & statement.territories)",
    ),
    Mutant(
        "a no must cover all territories",
        "statements",
        "not use.territories or bool(use.territories & statement.territories)",
        "not use.territories or use.territories <= statement.territories",
    ),
    Mutant(
        "explicit purposes are covered by their ancestors",
        "statements",
        "if any(purposes.explicit[p] for p in beneath_the_nearest)",
        "if False",
    ),
    Mutant(
        "an interval begins after its beginning",
        "statements",
        "if instant_us < statement.from_us:",
        "if instant_us <= statement.from_us:",
    ),
    Mutant(
        "an interval includes its end",
        "statements",
        "if instant_us >= statement.until_us:",
        "if instant_us > statement.until_us:",
    ),
    Mutant(
        "a yes for a model covers a use without one",
        "statements",
        "return use.model is None and statement.says is not Says.PERMIT",
        "return use.model is None",
    ),
    Mutant(
        "a no for a model does not touch a use without one",
        "statements",
        "return use.model is None and statement.says is not Says.PERMIT",
        "return False",
    ),
    Mutant(
        "the lowest position of a speaker's consents counts",
        "decision",
        "max(latest.get(key, -1), s.position)",
        "min(latest.get(key, s.position), s.position)",
    ),
    Mutant(
        "every consent of a speaker counts",
        "decision",
        's.reason.startswith("consent.") and s.position < latest',
        "False and s.position < latest",
    ),
    Mutant(
        "the account's yes counts for others' interests",
        "decision",
        "counted = s.speaker == account and s.says is Says.PROHIBIT",
        "counted = s.speaker == account",
    ),
    Mutant(
        "the account's no counts only where it holds",
        "decision",
        "counted = s.speaker == account and s.says is Says.PROHIBIT",
        "counted = False",
    ),
    Mutant("all wishes are of one tier", "decision", "        tier = next(", "        tier = 0 * next("),
    Mutant(
        "the highest rights position is the evidence",
        "decision",
        "        s.position,\n    )",
        "        -s.position,\n    )",
    ),
    Mutant(
        "missing roles outrank a deny",
        "decision",
        "(verdicts.index(VERDICT_OF[c[1].says]), layers.index(c[1].layer))",
        "(layers.index(c[1].layer), verdicts.index(VERDICT_OF[c[1].says]))",
    ),
    Mutant("the last close counts", "rights", "if s.closed_us == ALWAYS_US else s for", "if True else s for"),
    Mutant(
        "the latest termination counts",
        "rights",
        "ends = min(agreement.terminated_us,",
        "ends = max(agreement.terminated_us % ALWAYS_US,",
    ),
    Mutant(
        "a new signing keeps the old termination",
        "rights",
        "= Agreement(event)\n",
        '= Agreement(event, getattr(state.agreements.get(event.data["agreement_id"]), "terminated_us", ALWAYS_US))\n',
    ),
    Mutant("a second delivery counts again", "rights", "elif (record.source, record.id) not in self._seen:", "else:"),
    Mutant("an answer does not release", "rights", "if position not in self.answered]", "]"),
    Mutant(
        "anyone may consent for a party or account",
        "gathering",
        '            if kind_of(subject) in ("party", "account") and speaker != subject:',
        "            if False:",
    ),
    Mutant("hyphens in an ISRC matter", "gathering", "normal_isrc(asset.isrc) in scope", "asset.isrc in scope"),
    Mutant(
        "an empty scope covers everything", "gathering", 'scope["all"]\n', 'scope["all"] or not any(scope.values())\n'
    ),
    Mutant(
        "terms begin after their beginning",
        "gathering",
        't.data["effective_from_us"] <= instant_us',
        't.data["effective_from_us"] < instant_us',
    ),
    Mutant(
        "the terms published last are in force",
        "gathering",
        'key=lambda t: (t.data["effective_from_us"], t.position)',
        "key=lambda t: t.position",
    ),
    Mutant("every terms are accepted by use", "gathering", 't.data["acceptance"] == "continued_use"', "True"),
    Mutant("conflict goes unheard", "gathering", "if asset.conflicting:", "if False:"),
]
