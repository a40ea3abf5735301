package gate

# One integer per asset and use: (place of the verdict and layer, interest, finding); the smallest decides.
keys := [[key(asset, u) | some u in [0, 1, 2]] | some asset in input.assets]

key(asset, u) := min([k |
	all := shared(asset, u)
	some nth, party in asset.parties
	f := min({all} | own(party, u) | bound(asset, party, u))
	k := ((data.place[f % 64] * 16777216) + (nth * 4096)) + f
])

shared(asset, u) := min({data.nothing} | unbound(asset, u) | {data.licence[asset.licence][u]} | tag(asset, u) | {terms(asset, u)})

unbound(asset, u) := {s.f[u] | some k in asset.subjects; s := data.s[k]; s.by == -1}

own(party, u) := {f | f := data.s[party].f[u]}

bound(asset, party, u) := {s.f[u] | by := data.s[party].by; some k in asset.subjects; s := data.s[k]; s.by == by}

tag(asset, u) := {data.tag[u] | asset.tagged}

terms(asset, u) := data.terms.accepted[u] if data.accepted[asset.account]

else := data.terms["default"][u]
