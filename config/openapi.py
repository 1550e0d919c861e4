"""What drf-spectacular cannot know by itself about our API."""

from drf_spectacular.contrib.django_oauth_toolkit import DjangoOAuthToolkitScheme

from consent.decision import Outcome
from consent.identity.kinds import IdentifierKind
from consent.models.recipients import Given
from consent.uses import Basis, Medium, Method, Remedy, Theme, Use
from generation.states import OutputState, RunOutcome, RunState

# Names for fields that are all called ``state`` or ``outcome``.
OUTPUT_STATES = [each.value for each in OutputState]
RUN_STATES = [each.value for each in RunState]
RUN_OUTCOMES = [each.value for each in RunOutcome]
DECISION_OUTCOMES = [each.value for each in Outcome]
# Choices that stand in several fields, under the name of what they are.
USES, MEDIA, THEMES = Use.choices(), Medium.choices(), Theme.choices()
BASES, METHODS, REMEDIES = Basis.choices(), Method.choices(), Remedy.choices()
IDENTIFIER_KINDS = IdentifierKind.choices()
GIVEN = Given.choices


class ClientScheme(DjangoOAuthToolkitScheme):  # type: ignore[no-untyped-call]
    """Programs sign in by OAuth 2 client credentials, as the toolkit's own class does."""

    target_class = "consent.authentication.ClientAuthentication"
