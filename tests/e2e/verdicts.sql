-- What the gate must have decided, written apart from it: design section 4 in SQL, over the raw lines of the two logs.
-- In: content_lines(position, line), rights_lines(position, line), uses(dataset, purpose), parameter $now.
-- Out: verdicts(dataset, asset, verdict, reason), dead(position).
-- It knows the shipped policy by heart and uses without territories or models, which is what the demo has.

create or replace macro isrc(text) as upper(replace(text, '-', ''));

create or replace macro texts(list) as coalesce(from_json(list, '["VARCHAR"]'), []::varchar[]);

-- Purposes: each with itself and its ancestors, nearest first.

create or replace temp table lineage as
with recursive up as (
    select dataset, purpose as node, 0 as depth from uses
    union all
    select dataset, regexp_replace(node, '\.[^.]+$', ''), depth + 1 from up where node like '%.%'
)
select *, node in ('training.generative.replication', 'external.training') as explicit from up;

create or replace temp table known_purposes as
select unnest([
    'service', 'service.recommendation', 'service.search', 'service.playlisting', 'service.content_organisation',
    'service.fraud_prevention', 'service.customer_support', 'service.talent_discovery', 'training', 'training.analytical',
    'training.generative', 'training.generative.replication', 'external', 'external.training'
]) as purpose;

-- How near the nearest of these purposes is to a dataset's purpose; a yes must not skip an explicit purpose.

create or replace macro no_covers(dataset_name, purposes) as exists (
    select 1 from lineage l where l.dataset = dataset_name and list_contains(purposes, l.node)
);
create or replace macro yes_covers(dataset_name, purposes) as exists (
    select 1 from lineage l where l.dataset = dataset_name and list_contains(purposes, l.node)
    and not exists (
        select 1 from lineage below where below.dataset = dataset_name and below.depth < l.depth and below.explicit
    )
);

-- Content: events, and what is none.

create or replace temp table events as
with parsed as (
    select position, case when json_valid(line) then line::json end as j from content_lines
)
select
    position, j ->> '$.type' as type, try_cast(j ->> '$.time' as timestamptz) as at, j -> '$.data' as data,
    j ->> '$.data.asset_id' as asset, j ->> '$.data.account_id' as account
from parsed
where j ->> '$.specversion' = '1.0'
    and j ->> '$.type' in ('content.published', 'content.updated', 'content.removed')
    and try_cast(j ->> '$.time' as timestamptz) is not null
    and length(j ->> '$.data.asset_id') > 0 and length(j ->> '$.data.account_id') > 0;

create or replace temp table dead as
select position from content_lines where position not in (select position from events);

create or replace temp table assets as
select e.*, exists (
    select 1 from events r
    where r.asset = e.asset and r.type = 'content.removed'
        and (r.position = e.position or (r.position < e.position and e.at <= r.at))
) as removed
from events e
where e.position = (select max(position) from events other where other.asset = e.asset);

create or replace temp table declared as
select asset, i ->> '$.party_id' as party, i ->> '$.role' as role, n
from assets, unnest(from_json(coalesce(data -> '$.interests', '[]'), '["JSON"]')) with ordinality as unnested(i, n);

create or replace temp table holders as
select asset, 'party:' || party as holder, min(n) as n from declared group by all
union all
select asset, 'account:' || account, 0 from assets where asset not in (select asset from declared);

create or replace temp table subjects as
select asset, 'asset:' || asset as subject, 1 as tier from assets
union select asset, 'isrc:' || isrc(data ->> '$.identifiers.isrc'), 1 from assets where data ->> '$.identifiers.isrc' is not null
union select asset, 'sha256:' || lower(data ->> '$.identifiers.content_sha256'), 1 from assets
    where data ->> '$.identifiers.content_sha256' is not null
union select asset, 'catalog:' || unnest(texts(data -> '$.catalogs')), 2 from assets
union select asset, 'party:' || party, 3 from declared
union select asset, 'account:' || account, 3 from assets;

-- Reservations found with an asset: of vocabularies, the demo has AI preferences, readable where they name their draft.

create or replace temp table reserved as
with found as (select asset, unnest(from_json(data -> '$.reservations', '["JSON"]')) as r from assets)
select asset, coalesce(r ->> '$.vocabulary' = 'aipref' and r ->> '$.statement' = 'train-ai=n'
    and r ->> '$.vocabulary_version' = 'draft-ietf-aipref-vocab-07', false) as is_readable
from found;

-- Rights: each event once, readable or not.

create or replace temp table rights as
with parsed as (
    select position, line::json as j from rights_lines
), first_copies as (
    select *, row_number() over (partition by j ->> '$.source', j ->> '$.id' order by position) as copy from parsed
), named as (
    select *, [p for p in list_concat(
        texts(j -> '$.data.purposes'), texts(j -> '$.data.permits'), texts(j -> '$.data.prohibits'),
        coalesce(json_keys(j, '$.data.grants'), [])
    )] as purposes
    from first_copies where copy = 1
)
select
    position, j ->> '$.type' as type, (j ->> '$.time')::timestamptz as at, j -> '$.data' as data,
    exists (select 1 from (select unnest(purposes) as p) where p not in (from known_purposes)) as unreadable,
    case when j ->> '$.data.subject' like 'isrc:%' then 'isrc:' || isrc(substr(j ->> '$.data.subject', 6))
        else j ->> '$.data.subject' end as subject
from named;

create or replace temp table readable as select * from rights where not unreadable;

-- Every statement that speaks: says 1 no, 2 unclear, 3 yes; holder null speaks for every interest.

create or replace temp table statements as

-- 1 claims
select s.asset, u.dataset, null as holder, 1 as layer, 1 as tier, 1 as says, 'claim.' || (c.data ->> '$.kind') as reason
from readable c join subjects s on s.subject = c.subject cross join uses u
where c.type = 'rights.claim.opened' and c.at <= $now
    and not exists (
        select 1 from readable r where r.type = 'rights.claim.resolved' and r.position > c.position
        and r.data ->> '$.claim_id' = c.data ->> '$.claim_id' and r.at <= $now
    )
    and (c.data ->> '$.kind' in ('takedown', 'deletion') or no_covers(u.dataset, ['training', 'external']))
union all
select asset, u.dataset, null, 1, 1, 1, 'claim.deletion' from assets cross join uses u where removed
union all
select s.asset, u.dataset, null, 1, 1, 2, 'evidence.unreadable'
from rights x join subjects s on s.subject = x.subject cross join uses u where x.unreadable

-- 2 agreements of the interest's party
union all
select h.asset, u.dataset, h.holder, 2, 1, side.says, side.reason
from readable a
join holders h on h.holder = 'party:' || (a.data ->> '$.party_id')
cross join uses u
cross join (values (1, 'agreement.prohibit'), (3, 'agreement.permit')) side(says, reason)
where a.type = 'rights.agreement.signed'
    and a.position = (
        select max(position) from readable again
        where again.type = a.type and again.data ->> '$.agreement_id' = a.data ->> '$.agreement_id'
    )
    and (a.data ->> '$.valid_from')::timestamptz <= $now
    and $now < coalesce((a.data ->> '$.valid_until')::timestamptz, 'infinity')
    and not exists (
        select 1 from readable t where t.type = 'rights.agreement.terminated' and t.position > a.position
        and t.data ->> '$.agreement_id' = a.data ->> '$.agreement_id'
        and (t.data ->> '$.effective_from')::timestamptz <= $now
    )
    and (
        coalesce((a.data ->> '$.scope.all')::boolean, false)
        or exists (
            select 1 from subjects s where s.asset = h.asset and s.subject in (
                select 'catalog:' || unnest(texts(a.data -> '$.scope.catalogs'))
                union all select 'isrc:' || isrc(unnest(texts(a.data -> '$.scope.isrcs')))
                union all select 'asset:' || unnest(texts(a.data -> '$.scope.assets'))
            )
        )
    )
    and case side.says
        when 1 then no_covers(u.dataset, texts(a.data -> '$.prohibits'))
        else yes_covers(u.dataset, texts(a.data -> '$.permits'))
            and len(texts(a.data -> '$.territories')) = 0 and len(texts(a.data -> '$.models')) = 0
    end

-- 3 wishes: of one speaker's consents on one subject the last that matches and is in force
union all
(
    with matching as (
        select c.*, u.dataset, c.data ->> '$.speaker' as speaker, c.type = 'rights.consent.granted' as yes
        from readable c cross join uses u
        where c.type in ('rights.consent.granted', 'rights.consent.withdrawn')
            and coalesce((c.data ->> '$.valid_from')::timestamptz, c.at) <= $now
            and $now < coalesce((c.data ->> '$.valid_until')::timestamptz, 'infinity')
            and (c.subject not like 'party:%' and c.subject not like 'account:%' or c.subject = c.data ->> '$.speaker')
            and case c.type
                when 'rights.consent.withdrawn' then no_covers(u.dataset, texts(c.data -> '$.purposes'))
                else yes_covers(u.dataset, texts(c.data -> '$.purposes'))
                    and len(texts(c.data -> '$.territories')) = 0 and len(texts(c.data -> '$.models')) = 0
            end
    ), last_words as (
        select * from matching
        qualify row_number() over (partition by dataset, speaker, subject order by position desc) = 1
    )
    select h.asset, w.dataset, h.holder, 3, s.tier, if(yes, 3, 1), if(yes, 'consent.opt_in', 'consent.withdrawn')
    from last_words w
    join subjects s on s.subject = w.subject
    join assets a on a.asset = s.asset
    join holders h on h.asset = s.asset
    where h.holder = w.speaker or (not yes and w.speaker = 'account:' || a.account)
)
union all
select asset, u.dataset, null, 3, 1, 1, 'reservation.no_ai_tag'
from assets cross join uses u
where no_covers(u.dataset, ['training', 'external'])
    and len([t for t in texts(data -> '$.tags') if regexp_full_match(lower(trim(t)), 'no[-_ ]?ai')]) > 0
union all
select asset, u.dataset, null, 3, 1, 1, 'reservation.aipref'
from reserved cross join uses u
where is_readable and no_covers(u.dataset, ['training.generative'])
union all
select asset, u.dataset, null, 3, 1, 2, 'evidence.unsupported'
from reserved cross join uses u
where not is_readable and no_covers(u.dataset, ['training', 'external'])

-- 4 licence
union all
select asset, u.dataset, null, 4, 1, 3, 'licence.permit'
from assets cross join uses u
where yes_covers(u.dataset, ['training.analytical', 'training.generative'])
    and (data ->> '$.licence' in ('CC0-1.0', 'CC0', 'PDM-1.0', 'CC-PDM-1.0')
        or regexp_full_match(data ->> '$.licence', 'https?://creativecommons\.org/publicdomain/(zero|mark)/1\.0/?'))

-- 5 terms: the version in force, its nearest word on the purpose
union all
(
    with in_force as (
        select data -> '$.grants' as grants from readable
        where type = 'rights.terms.published' and (data ->> '$.effective_from')::timestamptz <= $now
            and data ->> '$.acceptance' = 'continued_use'
        order by (data ->> '$.effective_from')::timestamptz desc, position desc limit 1
    ), nearest as (
        select l.dataset, f.grants ->> ('$."' || l.node || '"') as says, l.depth
        from lineage l, in_force f where list_contains(json_keys(f.grants), l.node)
        qualify row_number() over (partition by l.dataset order by l.depth) = 1
    )
    select a.asset, n.dataset, null, 5, 1, case n.says when 'permit' then 3 when 'unclear' then 2 else 1 end,
        case n.says when 'permit' then 'terms.permit' when 'unclear' then 'terms.unclear'
            when 'opt_in' then 'terms.opt_in_required' else 'terms.prohibit' end
    from nearest n cross join assets a
    where n.says <> 'permit' or not exists (
        select 1 from lineage l where l.dataset = n.dataset and l.depth < n.depth and l.explicit
    )
);

-- For each interest the first layer, the most specific tier, no before unclear before yes; then over the interests.

create or replace temp table reason_order as
select unnest([
    'claim.takedown', 'claim.deletion', 'claim.dispute', 'claim.account_control', 'agreement.permit', 'agreement.prohibit',
    'consent.opt_in', 'consent.withdrawn', 'reservation.no_ai_tag', 'reservation.aipref', 'licence.permit', 'licence.prohibit', 'terms.permit',
    'terms.prohibit', 'terms.opt_in_required', 'terms.unclear', 'no_permission', 'evidence.unreadable', 'evidence.unsupported'
]) as reason, generate_subscripts(range(19), 1) as rank;

create or replace temp table interests as
select h.asset, u.dataset, h.n, coalesce(s.layer, 6) as layer, coalesce(s.says, 1) as says,
    coalesce(s.reason, 'no_permission') as reason
from holders h cross join uses u
left join statements s on s.asset = h.asset and s.dataset = u.dataset and (s.holder is null or s.holder = h.holder)
left join reason_order o on o.reason = s.reason
qualify row_number() over (partition by h.asset, u.dataset, h.holder order by s.layer, s.tier, s.says, o.rank) = 1;

create or replace temp table verdicts as
with missing_role as (
    select d.asset, l.dataset, 0 as n, 0 as layer, 2 as says, 'title.missing_role' as reason
    from (from declared select asset, list(role) as roles group by asset) d
    join lineage l on l.node = 'training.generative'
    where not list_has_all(d.roles, ['recording', 'composition'])
), said as (
    from interests union all from missing_role
)
select s.dataset, s.asset, ['deny', 'hold', 'permit'][s.says] as verdict, s.reason
from said s left join reason_order o using (reason)
qualify row_number() over (partition by s.asset, s.dataset order by s.says, s.layer, o.rank, s.n) = 1;
