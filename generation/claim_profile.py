"""The leaf certificate that image claims are signed with.

It has the shape of assurance level 1 of the C2PA conformance programme (all but the id of a real
record there), so that swapping in a real one changes nothing but names.
"""

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from ledger.certificates import LeafProfile

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
CONFORMANCE_POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.62558.1.1")
ASSURANCE_LEVEL = x509.ObjectIdentifier("1.3.6.1.4.1.62558.3")
# DER INTEGER 1: assurance level 1.
LEVEL_ONE = bytes((2, 1, 1))
# A name that never resolves: the revocation of test keys is nobody's business.
RESPONDER = x509.UniformResourceIdentifier("http://ocsp.invalid/")

CLAIMS = LeafProfile(
    "Muniment test claim signer",
    # The SDK takes claim signing alone, and then reads it as invalid: e-mail stands beside it.
    (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
    (
        x509.CertificatePolicies([x509.PolicyInformation(CONFORMANCE_POLICY, None)]),
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, RESPONDER)]
        ),
        x509.UnrecognizedExtension(ASSURANCE_LEVEL, LEVEL_ONE),
    ),
)
