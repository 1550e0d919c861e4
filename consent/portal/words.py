"""How the portal says codes: in plain words, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.decision import Code
from consent.models import GrantState, RequestKind, RequestState
from consent.uses import ANY, WORLD, Capacity, Medium, Remedy, Right, Theme, Use

USES: dict[Use, tuple[Promise, Promise]] = {
    Use.TRAIN: (_("Training"), _("A program learns from pictures of you how to make pictures.")),
    Use.FINE_TUNE: (
        _("Fine-tuning"),
        _("A program that is trained already learns more from pictures of you."),
    ),
    Use.EVALUATE: (_("Testing"), _("Pictures of you serve to test how well a program works.")),
    Use.REFERENCE_INPUT: (
        _("Reference picture"),
        _("Somebody gives a picture of you to a program as the pattern for a new one."),
    ),
    Use.DEPICT: (_("Showing you"), _("A program makes new pictures that show you.")),
    Use.DISTRIBUTE: (_("Passing on"), _("Pictures that show you are published or handed on.")),
    Use.COMMERCIAL: (_("Earning money"), _("Pictures that show you serve to earn money.")),
    Use.MODERATION: (
        _("Safety checks"),
        _("Pictures of you help to recognise and stop forbidden pictures."),
    ),
}

MEDIA: dict[Medium, Promise] = {
    Medium.INTERNAL: _("inside the organisation"),
    Medium.ONLINE: _("on websites"),
    Medium.SOCIAL: _("on social media"),
    Medium.PRINT: _("in print"),
    Medium.BROADCAST: _("in film, radio and television"),
    Medium.OUTDOOR: _("on posters outdoors"),
}

THEMES: dict[Theme, Promise] = {
    Theme.SEXUAL: _("sexuality"),
    Theme.POLITICAL: _("politics"),
    Theme.RELIGIOUS: _("religion"),
    Theme.MEDICAL: _("health"),
    Theme.ENDORSEMENT: _("recommending a product"),
    Theme.VIOLENT: _("violence"),
}

REMEDIES: dict[Remedy, Promise] = {
    Remedy.STOP_NEW_USE: _("Nothing new is made from then on."),
    Remedy.REMOVE_FROM_NEXT_VERSION: _("Your pictures are left out of the next data set."),
    Remedy.RETRAIN: _("The program is trained again without your pictures."),
    Remedy.FILTER_OUTPUTS: _("Pictures that show you are held back."),
}

RIGHTS: dict[Right, Promise] = {
    Right.LIKENESS: _("You in pictures"),
    Right.WORKS: _("Your works"),
    Right.STYLE: _("Your style"),
}

CAPACITIES: dict[Capacity, Promise] = {
    Capacity.SELF: _("for yourself"),
    Capacity.GUARDIAN: _("as guardian"),
    Capacity.AGENT: _("by power of attorney"),
    Capacity.ESTATE: _("as heir"),
}

SPEAKERS: dict[Capacity, Promise] = {
    Capacity.SELF: _("the person"),
    Capacity.GUARDIAN: _("a guardian"),
    Capacity.AGENT: _("somebody with power of attorney"),
    Capacity.ESTATE: _("an heir"),
}

ANSWERS: dict[GrantState, Promise] = {
    GrantState.DRAFT: _("In preparation"),
    GrantState.REQUESTED: _("We ask you"),
    GrantState.DEFERRED: _("Put off; we still ask you"),
    GrantState.LAPSED: _("No longer asked"),
    GrantState.REFUSED: _("You said no to all of it"),
    GrantState.GIVEN: _("In force"),
    GrantState.SUSPENDED: _("Set aside while we clear something up"),
    GrantState.RENEWED: _("Renewed by a later answer"),
    GrantState.WITHDRAWN: _("Taken back"),
    GrantState.REVOKED: _("Ended by us"),
    GrantState.EXPIRED: _("Its time is over"),
    GrantState.INVALIDATED: _("Found invalid"),
    GrantState.SUPERSEDED: _("Replaced by a later answer"),
}

KINDS: dict[RequestKind, tuple[Promise, Promise]] = {
    RequestKind.ACCESS: (
        _("See everything that you hold about me"),
        _("You get one file to download: your data, what it was used for, and who saw it."),
    ),
    RequestKind.ERASURE: (
        _("Erase everything that you hold about me"),
        _("This cannot be undone. Once it is planned, nothing new is made of you."),
    ),
}
ASKED_FOR: dict[RequestKind, Promise] = {
    RequestKind.ACCESS: _("To see your data"),
    RequestKind.ERASURE: _("To erase your data"),
}

REQUESTS: dict[RequestState, Promise] = {
    RequestState.RECEIVED: _("We have it and will look into it."),
    RequestState.PLANNED: _("It is planned; a second person checks the plan."),
    RequestState.PLAN_APPROVED: _("Two people agreed to the plan; it will be carried out."),
    RequestState.EXECUTING: _("It is being carried out."),
    RequestState.BLOCKED: _("Something stopped it on our side; we are working on it."),
    RequestState.VERIFYING: _("It was carried out; we check that nothing was left."),
    RequestState.CLOSED_FULFILLED: _("Done."),
    RequestState.CLOSED_REFUSED: _("Refused. You may complain to a data protection authority."),
    RequestState.CLOSED_WITHDRAWN: _("You withdrew it."),
}

# Why a use is not simply allowed; what is missing here is said by the outcome alone.
REASONS: dict[Code, Promise] = {
    Code.RESTRICTED: _("You asked to be erased, so nothing new is made of you."),
    Code.REFUSED_BY_PERSON: _("You said no."),
    Code.NEVER_GIVEN: _("You never allowed it."),
    Code.WITHDRAWN: _("You took it back."),
    Code.REVOKED: _("Ended by us"),
    Code.INVALIDATED: _("Found invalid"),
    Code.SUSPENDED: _("Your answer is set aside while we clear something up."),
    Code.EXPIRED: _("The time for which you allowed it is over."),
    Code.NOT_YET_VALID: _("The time for which you allowed it has not begun."),
    Code.POWER_ENDED: _("Somebody else said yes for you; now it is for you to say."),
    Code.ASSURANCE_TOO_LOW: _("You said yes. Before it counts we need a paper that you signed."),
    Code.BASIS_NOT_ACCEPTED: _("You said yes, but the law asks for more."),
    Code.NOT_IN_WRITING: _("You said yes, but we need it in writing."),
    Code.TOO_OLD: _("You said yes so long ago that we must ask you again."),
    Code.SIGNAL_RESERVED: _("Your browser told us that you do not want it."),
    Code.BY_TITLE: _("Somebody holds this right from you; a person looks at each case."),
    Code.TITLE_PASSED: _("You passed this right on to somebody else."),
}


def places(codes: list[str]) -> str:
    """Return territories as people read them: the whole world, or codes of countries."""
    return str(_("worldwide")) if WORLD in codes else ", ".join(codes)


def parties(codes: list[str]) -> str:
    """Return recipients or model families as people read them."""
    return str(_("all")) if ANY in codes else ", ".join(codes)
