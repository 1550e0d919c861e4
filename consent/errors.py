"""Everything the consent app refuses, one class per thing a caller treats differently.

ConsentError
├── NotPermitted         the account holds no role that allows this here
├── TermsRefused         what was asked for is malformed or contradicts itself
├── WrongState           the row is not in a state from which this can be done
├── TwoPeopleNeeded      the second step must be taken by somebody else
├── RoleConflict         one person may not hold these two roles
├── AlreadyOpened        the service has accounts, so it cannot be opened again
├── Unknown              no row of that sort has this id
├── AlreadyKnown         a row for the same thing exists
├── IdentityNotShown     the person's identity is not established well enough for this
├── PlanOutdated         what the plan would do is no longer what there is to do
├── UseStopped           an impact decision stopped the use of this version or model
├── DescriptionRefused   a description of a data set cannot be read
├── PictureRefused       a file is no picture that we take
├── NothingToFreeze      a data set has no admissible item
├── GateClosed           what vetting found in a version stands against freezing it
├── LinkRefused          a link into the portal is spent, expired or forged
├── SignInRefused        a one-time sign-in is spent, expired or forged
├── ProfileRefused       a jurisdiction profile is unknown or malformed
├── SignalUnreadable     a preference signal is not of its format, or too large
└── ReceiptRefused       a consent receipt is malformed, or cannot be written
"""

from collections.abc import Sequence
from typing import Any


class ConsentError(Exception):
    """Base of all refusals of the consent app."""


class NotPermitted(ConsentError):
    """The account holds no role that allows this here."""


class TermsRefused(ConsentError):
    """What was asked for is malformed or contradicts itself."""


class WrongState(ConsentError):
    """The row is not in a state from which this can be done."""


class TwoPeopleNeeded(ConsentError):
    """The second step must be taken by somebody other than the first."""


class RoleConflict(ConsentError):
    """One person may not hold these two roles."""


class AlreadyOpened(ConsentError):
    """The service has accounts, so it cannot be opened again."""


class Unknown(ConsentError):
    """No row of that sort has this id."""


class AlreadyKnown(ConsentError):
    """A row for the same thing exists."""


class IdentityNotShown(ConsentError):
    """The person's identity is not established well enough for this request."""


class PlanOutdated(ConsentError):
    """What the plan would do is no longer what there is to do: plan again, approve again."""


class UseStopped(ConsentError):
    """An impact decision stopped the use of this version or model."""


class DescriptionRefused(ConsentError):
    """A description of a data set cannot be read, in whatever format it is."""


class PictureRefused(ConsentError):
    """A file is no picture that we take."""


class NothingToFreeze(ConsentError):
    """A data set has no admissible item, so that there is nothing to commit to.

    ``refused`` says what stands against each file (``consent.intake.Refused``).
    """

    def __init__(self, message: str, refused: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.refused = tuple(refused)


class GateClosed(ConsentError):
    """What vetting found in a version stands against freezing it, each in a sentence."""


class LinkRefused(ConsentError):
    """A link into the portal is spent, expired or forged."""


class SignInRefused(ConsentError):
    """A one-time sign-in is spent, expired or forged."""


class ProfileRefused(ConsentError):
    """A jurisdiction profile is unknown or malformed."""


class SignalUnreadable(ConsentError):
    """A preference signal is not of its format, or too large."""


class ReceiptRefused(ConsentError):
    """A consent receipt is malformed, or cannot be written."""
