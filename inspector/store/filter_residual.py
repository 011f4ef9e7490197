"""What is left of a filter once everything that stays as it is has been answered."""

from __future__ import annotations

from inspector.model.flow import Flow, Moment
from inspector.store.filter_fields import Known, TextField
from inspector.store.filter_terms import And, Leaf, Not, Or, Term, Words, among, field, leaves, matches, words_asked

_ORDER = tuple(Moment)


def residual(term: Term | None, flow: Flow, known: Known) -> Term | bool:
    """What is still open of a filter for a flow whose request has come whole.

    True: it matches, and will to the end. False: it can never match. Else the rest, whose answer is the filter's own at
    any later time. Most flows are settled by what stands on them, and are never read for it.
    """
    match term:
        case None:
            return True
        case Not():
            rest = residual(term.term, flow, known)
            return not rest if isinstance(rest, bool) else Not(rest)
        case And() | Or():
            return _joined(term, flow, known)
        case _:
            return _settled(term, flow, known)


def first_moment(term: Term) -> Moment:
    """The first moment at which every question in a filter can have an answer."""
    moments = (Moment.REQUEST if isinstance(leaf, Words) else field(leaf).first for leaf in leaves(term))
    return max(moments, key=_ORDER.index)


def earliest_moment(term: Term | None) -> Moment:
    """The first moment at which a filter can hold at all."""
    match term:
        case And():
            return max((earliest_moment(part) for part in term.terms), key=_ORDER.index)
        case Or():
            return min((earliest_moment(part) for part in term.terms), key=_ORDER.index)
        case None | Not() | Words():
            return Moment.REQUEST
        case _:
            return field(term).first


def _joined(term: And | Or, flow: Flow, known: Known) -> Term | bool:
    """One part may decide: a false one of those that must all hold, a true one of those of which one is enough."""
    decisive = isinstance(term, Or)
    rest: list[Term] = []
    for part in term.terms:
        left = residual(part, flow, known)
        if left is decisive:
            return decisive
        if not isinstance(left, bool):
            rest.append(left)
    if not rest:
        return not decisive
    return rest[0] if len(rest) == 1 else type(term)(tuple(rest))


def _settled(leaf: Leaf, flow: Flow, known: Known) -> Leaf | bool:
    if not flow.live:
        return matches(leaf, flow, known)
    if isinstance(leaf, Words):
        return True if words_asked(leaf.text, flow, known) else leaf
    asked = field(leaf)
    if not asked.grows and (asked.first is Moment.REQUEST or flow.response is not None):
        return matches(leaf, flow, known)
    if isinstance(asked, TextField) and asked.asked is not None and among(leaf, asked.asked(flow, known)):
        return True
    return leaf
