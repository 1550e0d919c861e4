"""Everything generation refuses, one class per thing a caller treats differently.

GenerationError
├── ImageRefused          an upload is not an image we take
│   ├── ImageTooLarge         too many bytes or pixels
│   └── ImageCarriesMark      another tool's content credentials are inside
├── RequestRefused        what was asked for is malformed or past a limit
├── PolicyRefused         a policy text does not say what a policy must
├── NoActivePolicy        nothing may run without rules
├── ModelConflict         a model contradicts what is registered, or is retired
├── RunClosed             the run has ended, or was never allowed
├── SequenceReused        this client instance used the sequence number for another run
├── ConsentMissing        the people concerned do not allow it (any more)
├── OutputNotReady        no marked bytes exist (yet) that may leave
├── CaseNotYours          the case is leased to somebody else, or to nobody
├── CaseClosed            the case is decided
├── SigningRefused        no mark can be made: certificate, key or signer
└── MarkRefused           the bytes to be delivered do not carry a valid mark
"""


class GenerationError(Exception):
    """Base of all refusals of generation."""


class ImageRefused(GenerationError):
    """An upload is no image that this service takes."""


class ImageTooLarge(ImageRefused):
    """An upload has more bytes or more pixels than the limit."""


class ImageCarriesMark(ImageRefused):
    """An upload carries content credentials already; ours would destroy another's claim."""


class RequestRefused(GenerationError):
    """What was asked for is malformed, or past a limit."""


class PolicyRefused(GenerationError):
    """A policy text is not in the form of a policy, or a pattern in it is none."""


class NoActivePolicy(GenerationError):
    """No policy is active; a service without rules lets nothing run."""


class ModelConflict(GenerationError):
    """A model contradicts what is registered under its name, or is retired."""


class RunClosed(GenerationError):
    """The run has ended, or was never allowed to start."""


class SequenceReused(GenerationError):
    """The client instance used this sequence number for another run before."""


class ConsentMissing(GenerationError):
    """The people concerned do not allow this, or no longer."""


class OutputNotReady(GenerationError):
    """There are no marked bytes of this output that may leave."""


class CaseNotYours(GenerationError):
    """The case is leased to somebody else, or to nobody."""


class CaseClosed(GenerationError):
    """The case is decided already."""


class SigningRefused(GenerationError):
    """No mark can be made: the certificate, the key or the signer fails."""


class MarkRefused(GenerationError):
    """The bytes to be delivered do not carry a mark that reads as trusted."""
