"""Keys that ask where a flow belongs: its lane, its turn, what it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from inspector.model.flow import Flow
from inspector.store.filter_field import Cost, Known, NumberField, TextField
from inspector.store.lane import Place


def _text(
    key: str,
    about: str,
    values: Callable[[Place], Iterable[str]],
    stays: Callable[[Place], Iterable[str]] | None = None,
) -> TextField:
    """Words of a flow's place. Those that `stays` gives are settled with the request, the others may still change."""

    def of(flow: Flow, known: Known) -> Iterable[str]:
        place = known.place(flow)
        return values(place) if place is not None else ()

    def asked(flow: Flow, known: Known) -> Iterable[str]:
        place = known.place(flow)
        return stays(place) if stays is not None and place is not None else ()

    return TextField(key, about, of, Cost.SUMMARY, grows=stays is not None, asked=asked if stays is not None else None)


def _number(key: str, about: str, value: Callable[[Place], int | None]) -> NumberField:
    def of(flow: Flow, known: Known) -> int | None:
        place = known.place(flow)
        return value(place) if place is not None else None

    return NumberField(key, about, "count", of, Cost.SUMMARY)


def _works(place: Place) -> tuple[str, ...]:
    return (place.work.value, "compacted") if place.compacted else (place.work.value,)


def _retry(place: Place) -> tuple[str, ...]:
    first = (place.retry_of.number,) if place.retry_of is not None else ()
    return (*first, "storm") if place.storm else first


def _session(flow: Flow, known: Known) -> tuple[str, ...]:
    """The name that it was given, which every flow has; else its client's own."""
    if flow.session:
        return (flow.session,)
    place = known.place(flow)
    return (place.lane.session,) if place is not None else ()


def _caller(place: Place) -> tuple[str, ...]:
    return (place.lane.cause.name,) if place.lane.cause is not None else ()


LANE_FIELDS = (
    _text(
        "lane",
        "its conversation's title or id",
        lambda place: (place.lane.title, place.lane.id),
        lambda place: (place.lane.id,),
    ),
    _text("caller", "the tool whose call started the sub-agent", _caller),
    TextField("session", "its session: as it was given, or as the client calls it", _session, Cost.SUMMARY),
    _text("work", "turn, title, compaction, count, probe, poll; compacted", _works),
    _text(
        "retry",
        "the number of the first attempt; storm",
        _retry,
        lambda place: _retry(place)[:1] if place.retry_of else (),
    ),
    _number("turn", "its number among the lane's turns", lambda place: place.turn or None),
    _number("depth", "0 in a conversation, 1 in its sub-agents", lambda place: place.lane.depth),
    _number("attempt", "1, or more where it was tried before", lambda place: place.attempt),
)
