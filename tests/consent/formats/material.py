"""Descriptions and items made at random, in which nothing is doubtful."""

from hashlib import sha256
from string import ascii_letters, digits

from hypothesis import strategies as st

from consent.formats.croissant import RAI_TERMS
from consent.formats.described import (
    DescribedItem,
    Description,
    Digest,
    Licence,
    Link,
    Node,
    NodeKind,
    Party,
    Ref,
    Relation,
    Usage,
    UsageKind,
)
from consent.formats.statements import is_filler
from consent.uses import LegalBasis

words = st.text(ascii_letters + "äöüßé日本語 '\"{}%", min_size=3, max_size=20).filter(
    lambda word: word == word.strip() and not is_filler(word)
)
names = st.text(ascii_letters, min_size=5, max_size=12).filter(lambda name: not is_filler(name))
addresses = names.map(lambda name: f"https://{name}.example/{name}")
seeds = st.integers(0, 2**32)
sha256s = seeds.map(lambda seed: Digest("sha256", sha256(str(seed).encode()).hexdigest()))
days = st.dates().map(lambda day: f"{day:%Y-%m-%d}".zfill(10))
moments = st.datetimes().map(lambda moment: moment.isoformat() + "+00:00")
versions = st.text(digits, min_size=1, max_size=3).map(lambda number: f"{number}.0.0")
licences = st.sampled_from(["CC0-1.0", "CC-BY-4.0", "MIT"]).map(
    lambda spdx: Licence(f"https://spdx.org/licenses/{spdx}", spdx)
)
own_licences = names.map(lambda name: Licence(f"LicenseRef-{name}", f"LicenseRef-{name}"))
offers = addresses.map(
    lambda uid: Usage(
        UsageKind.ODRL,
        {
            "@type": "odrl:Offer",
            "@id": f"{uid}#offer",
            "odrl:permission": [{"odrl:action": {"@id": "odrl:use"}}],
        },
    )
)
duo_codes = st.integers(0, 99).map(
    lambda n: Usage(
        UsageKind.DUO,
        {"@type": "sc:DefinedTerm", "name": f"code {n}", "termCode": f"DUO:{n:07}"},
    )
)
parties = st.builds(
    Party, words, st.just("") | addresses, st.sampled_from(["Person", "Organization"])
)


@st.composite
def items(draw: st.DrawFn, ordinal: int) -> DescribedItem:
    return DescribedItem(
        ordinal=ordinal,
        location=f"{ordinal}-{draw(names)}.png",
        digest=draw(sha256s),
        perceptual_hash=draw(st.sampled_from(["", "d8f8f0cec0f4a84f"])),
        size=draw(st.none() | st.integers(0, 2**53 - 1)),
        width=draw(st.none() | st.integers(0, 10**6)),
        height=draw(st.none() | st.integers(0, 10**6)),
        media_type="image/png",
        text=draw(st.just("") | words),
        licence=draw(licences | own_licences),
        legal_basis=draw(st.sampled_from(list(LegalBasis))).value,
        depicts=tuple(draw(st.lists(words, max_size=3))),
        creators=tuple(draw(st.lists(words, max_size=2))),
        signals=tuple(draw(st.dictionaries(names, words, max_size=2)).items()),
        flags=tuple(draw(st.dictionaries(names, words, max_size=2)).items()),
    )


@st.composite
def some_items(draw: st.DrawFn) -> tuple[DescribedItem, ...]:
    return tuple(draw(items(ordinal)) for ordinal in range(1, draw(st.integers(1, 5))))


@st.composite
def lineages(draw: st.DrawFn) -> tuple[tuple[Node, ...], tuple[Link, ...]]:
    """Draw sources, activities and agents of one data set, each with its link."""
    kinds = {
        Relation.DERIVED_FROM: NodeKind.DATASET,
        Relation.GENERATED_BY: NodeKind.ACTIVITY,
        Relation.ATTRIBUTED_TO: NodeKind.AGENT,
    }
    nodes, links = [], []
    for relation, kind in kinds.items():
        for address in draw(st.lists(addresses, max_size=2, unique=True)):
            version = draw(versions) if kind is NodeKind.DATASET else ""
            ref = Ref(f"{address}#{kind}", version)
            started = draw(moments) if kind is NodeKind.ACTIVITY else ""
            nodes.append(Node(kind, ref, name=draw(words), started=started))
            links.append(Link(relation, Ref(), ref))
    return tuple(nodes), tuple(links)


@st.composite
def descriptions(draw: st.DrawFn) -> Description:
    nodes, links = draw(lineages())
    return Description(
        name=draw(words),
        version=draw(versions),
        identifier=draw(addresses),
        about=draw(words),
        url=draw(addresses),
        published=draw(days),
        metadata_version=draw(st.just("") | versions),
        licence=draw(licences),
        creators=tuple(draw(st.lists(parties, min_size=1, max_size=3))),
        usage=tuple(draw(st.lists(offers | duo_codes, max_size=2, unique_by=repr))),
        rai=draw(st.dictionaries(st.sampled_from(RAI_TERMS), words, max_size=4)),
        nodes=nodes,
        links=links,
    )
