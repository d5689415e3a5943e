"""A text becomes the places that it may mean, the likeliest first, and whether the first may be taken unasked.

What `ground` reads is taken as it is. All else is a name: of a Take5 site, of a park or region, of a town that bears
it, of a town that is also called so, in this order, and towns by their people. The first is taken unasked when it is
the only one, a Take5 site or a park (others of the name are mentioned), or a town ten times larger than any other that
bears the name. A name that nobody bears is held against all names, and what is spelt nearly like it is only proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from watcher.names import plain
from watcher.places import gazetteer, ground, parks, spelling, take5
from watcher.places.boxes import around
from watcher.places.countries import Reading, codes, readings
from watcher.places.gazetteer import Region, Town, key
from watcher.places.place import Place, address, described

TOWN_KM = 20.0
"""How far around a town's centre its box reaches, north, south, east and west."""
FAR_LARGER = 10
"""A town with so many times the people of any other of its name is meant by it."""


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a text may mean.

    `places` are ranked; `sure` if the first may be taken unasked, `exact` if they bear the name and are not only spelt
    nearly like it. `remarks` are sentences that a person should read.
    """

    text: str
    places: Sequence[Place] = ()
    sure: bool = False
    exact: bool = True
    remarks: Sequence[str] = ()


def understand(text: str) -> Understood:
    """Read a text; raises `UsageError` for a tile, box, WKT text or file that cannot be right."""
    given = ground.read(text.strip())
    text = plain(text, limit=200)
    if given:
        return Understood(text=text, places=given, sure=len(given) == 1)
    if not key(text):
        return Understood(text=text, exact=False)
    ways = list(readings(text))
    for way in ways:
        found = _bearing(way)
        if found:
            return _ranked(text, way, found)
    return _proposed(text, ways)


Found = tuple[Place, Town | None]
"""A place, with the town when it is one."""


def _bearing(way: Reading) -> list[Found]:
    """Return the places of exactly that name, ranked."""
    found: list[Found] = [
        (place, None)
        for place in (*take5.named(way.name), *parks.named(way.name))
        if all(hint.allows(place.country) for hint in way.hints)
    ]
    called = way.name.capitalize() if way.name.islower() else way.name
    return found + [(_place(town, called), town) for town in _once(gazetteer.towns(key(way.name), _within(way)))]


def _ranked(text: str, way: Reading, found: list[Found]) -> Understood:
    top, town = found[0]
    others = found[1:]
    sure = not others or (top.geometry is not None if town is None else _stands_out(town, [each for _, each in others]))
    remarks = []
    if way.unknown is not None:
        sure = False
        remarks.append(f'"{way.unknown}" is no country or region that watcher knows.')
    if not way.hints and (division := _division(way.name, town)):
        sure = sure and town is None
        remarks.append(f"{way.name} is also {division}, whose outline watcher does not know.")
    if town is not None and (near := _near(way)):
        remarks.append(f"Spelt nearly so: {', '.join(near)}.")
    if sure:
        remarks += [f"{address(place)} is a {place.kind} of this name." for place, other in others if other is None]
        remarks += _sharing([other for _, other in others if other is not None and other.alias is None])
        remarks += [f"{address(place)} is called so too." for place, other in others if other and other.alias][:3]
    return Understood(text=text, places=[place for place, _ in found], sure=sure, remarks=remarks)


def _stands_out(town: Town, others: Sequence[Town | None]) -> bool:
    """Return whether a town is far larger than those that bear its name, and larger than those only called so too."""
    for other in others:
        times = 1 if other is not None and other.alias is not None and town.alias is None else FAR_LARGER
        if other is not None and town.population < times * max(other.population, 1):
            return False
    return True


def _division(name: str, town: Town | None) -> str | None:
    """Say which country or region has a name, unless the town of that name lies in it."""
    countries = codes(name) if len(name) > 3 else frozenset()
    if countries and not (town and town.country in countries and town.alias is None):
        return "a country"
    regions = gazetteer.regions_called(name)
    if regions and not (town and any((town.country, town.region) == (r.country, r.name) for r in regions)):
        return f"a region of {' and of '.join(sorted({gazetteer.country(region.country) for region in regions}))}"
    return None


def _near(way: Reading) -> list[str]:
    """Name the Take5 sites, parks and regions spelt like a town: one letter, and it is another continent."""
    found = [(place, town) for each in spelling.near_listed(key(way.name)) for place, town in _bearing(Reading(each))]
    return [described(place) for place, town in found if town is None][:3]


def _sharing(towns: Sequence[Town]) -> Iterator[str]:
    if towns:
        countries = sorted({gazetteer.country(town.country) for town in towns})
        lands = [f"the {land}" if land.startswith("United ") else land for land in countries]
        where = f"{', '.join(lands[:-1])} and {lands[-1]}" if lands[1:] else lands[0]
        where = where if len(lands) <= 4 else f"{len(lands)} countries"
        who, share = (f"{len(towns)} towns", "share") if towns[1:] else ("1 town", "shares")
        yield f"{who} in {where} {share} this name."


def _proposed(text: str, ways: Sequence[Reading]) -> Understood:
    remarks = [f'"{way.unknown}" is no country or region that watcher knows.' for way in ways if way.unknown]
    if (division := _division(text, None)) is not None:
        return Understood(
            text=text, exact=False, remarks=[f"{text} is {division}, whose outline watcher does not know."]
        )
    for way in [way for way in ways if way.hints or way.unknown] or ways:
        wanted = key(parks.without_park(way.name)) or key(way.name)
        found = _called(spelling.near(wanted), way)
        if not found:
            found = _called(spelling.beginning(wanted), way)
            found += map(_place, _once(gazetteer.beginning(wanted, _within(way)))) if len(wanted) >= 3 else ()
        if found:
            once = {(place.kind, address(place)): place for place in reversed(found)}
            return Understood(text=text, places=list(once.values())[::-1], exact=False, remarks=remarks)
    for way in ways:
        if way.hints and (found := [place for place, _ in _bearing(Reading(way.name))]):
            remarks.append(f"None of that name is known in {', '.join(hint.text for hint in way.hints)}.")
            return Understood(text=text, places=found, exact=False, remarks=remarks)
    return Understood(text=text, exact=False, remarks=remarks)


def _called(keys: Sequence[str], way: Reading) -> list[Place]:
    return [place for each in keys for place, _ in _bearing(Reading(each, way.hints))]


def _within(way: Reading) -> gazetteer.Within | None:
    def holds(region: Region) -> bool:
        return all(hint.holds(region) for hint in way.hints)

    return holds if way.hints else None


def _once(towns: Sequence[Town]) -> list[Town]:
    """Return the towns without those that GeoNames has twice: of one name, a few kilometres apart."""
    kept: list[Town] = []
    for town in towns:
        twice = (
            other.name == town.name
            and (other.country, other.region) == (town.country, town.region)
            and abs(other.latitude - town.latitude) + abs(other.longitude - town.longitude) < 0.1
            for other in kept
        )
        if not any(twice):
            kept.append(town)
    return kept


def _place(town: Town, called: str = "") -> Place:
    people = [f"{town.population:,} people"] if town.population else []
    return Place(
        name=town.name,
        geometry=around(town.longitude, town.latitude, TOWN_KM),
        origin=f"GeoNames, a box that reaches {TOWN_KM:.0f} km around its centre",
        kind="town",
        country=gazetteer.country(town.country),
        region=town.region,
        point=(town.longitude, town.latitude),
        detail=", ".join([*([f"also called {called}"] if town.alias else []), *people]) or None,
    )
