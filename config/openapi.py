"""What drf-spectacular cannot know by itself about our API."""

from drf_spectacular.contrib.django_oauth_toolkit import DjangoOAuthToolkitScheme

from consent.decision import Outcome
from consent.uses import Medium, Theme, Use
from generation.states import OutputState, RunOutcome, RunState

# Names for fields that are all called ``state`` or ``outcome``.
OUTPUT_STATES = [each.value for each in OutputState]
RUN_STATES = [each.value for each in RunState]
RUN_OUTCOMES = [each.value for each in RunOutcome]
DECISION_OUTCOMES = [each.value for each in Outcome]
# Choices that stand in several fields, under the name of what they are.
USES = [(each.value, each.words) for each in Use]
MEDIA = [(each.value, each.words) for each in Medium]
THEMES = [(each.value, each.words) for each in Theme]


class ClientScheme(DjangoOAuthToolkitScheme):  # type: ignore[no-untyped-call]
    """Programs sign in by OAuth 2 client credentials, as the toolkit's own class does."""

    target_class = "consent.authentication.ClientAuthentication"
