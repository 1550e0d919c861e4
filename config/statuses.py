"""The HTTP status of each domain error, and the errors that are nobody's business but ours."""

from consent import errors as consent
from generation import errors as generation
from ledger import errors as ledger

STATUSES: dict[type[Exception], int] = {
    ledger.CanonicalError: 422,
    ledger.FactsRefused: 422,
    ledger.RecordTooLarge: 422,
    ledger.UnknownLog: 404,
    ledger.UnknownRecord: 404,
    ledger.UnknownTile: 404,
    ledger.AnswerGone: 410,
    ledger.ScopeGone: 410,
    # draft-ietf-httpapi-idempotency-key-header, section 2.7
    ledger.IdempotencyConflict: 422,
    ledger.NotYetPublished: 409,
    ledger.LogContinued: 409,
    consent.NotPermitted: 403,
    consent.TermsRefused: 422,
    consent.WrongState: 409,
    consent.TwoPeopleNeeded: 403,
    consent.RoleConflict: 409,
    consent.AlreadyOpened: 409,
    consent.Unknown: 404,
    consent.AlreadyKnown: 409,
    consent.IdentityNotShown: 409,
    consent.PlanOutdated: 409,
    consent.DescriptionRefused: 422,
    consent.PictureRefused: 422,
    consent.NothingToFreeze: 409,
    consent.SignInRefused: 403,
    consent.ProfileRefused: 422,
    generation.RequestRefused: 422,
    generation.ImageRefused: 422,
    generation.ImageTooLarge: 413,
    generation.ImageCarriesMark: 422,
    generation.PolicyRefused: 422,
    generation.NoActivePolicy: 409,
    generation.ModelConflict: 409,
    generation.RunClosed: 409,
    generation.SequenceReused: 409,
    generation.ConsentMissing: 403,
    generation.OutputNotReady: 409,
    generation.CaseNotYours: 403,
    generation.CaseClosed: 409,
}

# A fault of the service, not of the caller: the answer is 500 and says nothing, the log all.
INTERNAL: frozenset[type[Exception]] = frozenset(
    {
        ledger.LedgerError,
        ledger.ProofError,
        ledger.NoteError,
        ledger.CommitmentError,
        ledger.LeafError,
        ledger.ArchiveError,
        ledger.NotAnArchive,
        ledger.UnknownKind,
        ledger.OffTheRecord,
        ledger.SealBroken,
        ledger.SigningKeyRefused,
        ledger.AnchorRefused,
        ledger.LogRolledBack,
        ledger.LogGoesOn,
        ledger.LogTampered,
        ledger.JournalBroken,
        consent.ConsentError,
        generation.GenerationError,
        generation.SigningRefused,
        generation.MarkRefused,
    }
)
