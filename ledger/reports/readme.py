"""The README.txt inside every bundle."""

README = """\
WHAT THIS IS

This ZIP file is a report from an audit-trail log, with everything needed to check it without
its issuer. report.pdf is for people, report.json says the same for programs. The other files
are the evidence: the exact records, proofs that they stand in the signed log, and what became
of each sealed statement in them.

CHECK IT WITH OUR TOOL

    muniment-verify report.zip --policy policy

Take the tool, and the file named policy, from elsewhere than this bundle: keys that came inside
prove nothing by themselves, and a page or program inside comes from the accused. Without
--policy the answer says "signer not authenticated". verify.html does the same in a browser.

CHECK IT WITHOUT OUR TOOL

 1. manifest.json lists SHA-256 and size of every file but itself and the three manifest.* files.
    manifest.leaf is the log's record of having issued it; its facts hold the manifest's digest.
 2. checkpoint and checkpoints/* are C2SP signed notes (c2sp.org/tlog-checkpoint), signed with
    Ed25519 and with ML-DSA-44 by the keys in policy (c2sp.org/tlog-policy).
 3. leaves.ndjson holds exact leaf texts. SHA-256 over a zero byte and the text is the leaf hash
    (RFC 9162); "prev" in each leaf is the hash of the one before.
 4. proofs/*.tlog-proof (c2sp.org/tlog-proof) lead from a leaf to the checkpoint.
 5. Each commitment in a leaf is HMAC-SHA-256, keyed with r, over "muniment/segment/v1", a zero
    byte and the canonical JSON (RFC 8785) of kind, payload and role, as the lines in
    disclosed/openings.ndjson and padding.ndjson give them.
 6. Each line of tombstones.ndjson proves that a statement was destroyed: SHA-256 over a zero
    byte, "muniment/tombstone/v1", a zero byte, salt and commitment is an entry of the tree whose
    root the record segments.destroyed states.
 7. timestamps/<size>.tsr, where there are any, are RFC 3161 time stamps over the text of the
    checkpoint of that size, without its signatures:
    openssl ts -verify -data TEXT -in timestamps/42.tsr -CAfile ROOTS
    Take the authority's roots from elsewhere; trust.json only proposes some. No record that
    the checkpoint covers may say a later time than its time stamp.
 8. An event that concerns very many people is told by several records: the first states how many
    "parts" there are, each further one its number and "header", SHA-256 of the first one's text
    under "record". Parts that lie outside the period are not in this bundle.

 9. A proof of consent shows single records instead of a period: each has a proof of its own. In
    disclosed/ it also holds what the person was given (receipt.jsonld), the answer as a record
    (record.jsonld, ISO/IEC TS 27560 in the terms of DPV), the text that was read (notice.txt) and
    SHA-256 of each piece of evidence (evidence.json). The receipt is signed by a key of its own:
    manage.py verify_receipt receipt.jsonld --key KEYS --policy policy --notice notice.txt

The folder disclosed/ may be taken out as a whole; the rest still verifies, as "openings
withheld".
"""
