// What the page says, in plain words. A finding's code is for programs; this is for people.

const GRADES = {
  authenticated: {
    title: "Everything verifies, and the signer is known",
    text: "Every file, record and figure in this bundle holds together, and the log's two signatures were made with the keys you brought.",
  },
  consistent: {
    title: "The bundle is consistent, but who signed it is not established",
    text: "Every file, record and figure in this bundle holds together. The keys came with the bundle, though, and keys inside a bundle prove nothing by themselves: whoever made the bundle could have made the keys. Get the operator's policy file from elsewhere and choose it above.",
  },
  incomplete: {
    title: "Nothing wrong was found, but not everything could be checked",
    text: "This browser cannot check a kind of signature that this log carries (named below). Do not rely on the bundle yet: use muniment-verify, or a browser that has ML-DSA-44. In Chromium and Chrome it may have to be switched on at chrome://flags/#webcrypto-pqc.",
  },
  refused: {
    title: "Do not rely on this bundle",
    text: "Something in it does not verify. Below stands what, and where. A bundle may have been damaged on its way or changed on purpose; this page cannot tell which.",
  },
};

const NO_GROUNDS =
  "A bundle that does not verify establishes nothing: not who signed, not when, not that it is complete.";

const TOKENS_UNREAD =
  "The bundle carries time-stamp tokens, which this page cannot check: nothing here rests on them, and no record's time was held against them. Use muniment-verify with a trust file.";

const STATUS_WORDS = {
  opened: "shown in this bundle, and it is what was recorded",
  withheld: "recorded, but not shown in this bundle",
  destroyed: "destroyed, with proof that it was; so it is after an erasure",
  padding: "filler that says nothing, shown to be empty",
  missing: "gone without proof of destruction: an alarm",
};

const FINDING_WORDS = {
  "archive.profile": "The ZIP file is not built the one way a bundle may be built. Nothing else could be checked.",
  "archive.crc": "A file was changed or damaged since the ZIP file was written.",
  "file.unknown": "A file is here that no bundle has.",
  "file.missing": "A file is missing.",
  "file.altered": "A file is not the one the operator vouched for.",
  "file.unlisted": "A file is here that the operator did not vouch for.",
  "manifest.malformed": "The list of files cannot be read.",
  "policy.malformed": "The bundle's own list of keys cannot be read.",
  "policy.keys": "The bundle's own list of keys lacks a key of this log.",
  "policy.outside": "Your policy does not have both keys of this log.",
  "policy.quorum": "Fewer witnesses have signed than the policy wants.",
  "trust.malformed": "The list of root certificates cannot be read.",
  "trust.outside": "The bundle proposes a root certificate that you do not trust.",
  "checkpoint.malformed": "A signed state of the log cannot be read.",
  "checkpoint.origin": "A signed state is of another log.",
  "checkpoint.size": "A signed state is of another size than its name says.",
  "checkpoint.missing": "A proof is here, but not the signed state it starts from.",
  "signature.failed": "A signature is not genuine.",
  "signature.missing": "A signature of the log is not there.",
  "key.compromised": "A signed state rests on a key that, as its own records say, others may hold.",
  "key.replaced": "A signed state rests on keys that, as its own records say, were replaced.",
  "consistency.missing": "Nothing proves that the log went on from an earlier signed state.",
  "consistency.malformed": "The proof that the log went on from an earlier state cannot be read.",
  "consistency.failed": "The log did not go on from an earlier signed state: its past was rewritten.",
  "timestamp.place": "A time-stamp token is here, but not the signed state it is of.",
  "timestamp.malformed": "A time-stamp token cannot be read.",
  "timestamp.failed": "A time-stamp token does not hold.",
  "report.malformed": "The report cannot be read.",
  "report.origin": "The report is of another log.",
  "period.bounds": "The report speaks of a period that the log does not have.",
  "period.enclosure": "No two signed states enclose the period of the report.",
  "line.malformed": "A line of evidence cannot be read.",
  "line.order": "A line of evidence stands in the wrong place.",
  "leaf.malformed": "A record is not of the form a record has.",
  "leaf.link": "A record does not follow from the one before it: one of the two was changed.",
  "leaf.gap": "Records of the period are left out.",
  "time.ahead": "A record says a later time than a time-stamp token that it was there by.",
  "time.behind": "A record says a time long before a time-stamp token that saw the log without it.",
  "part.malformed": "A record of a large event does not say which part of it it is.",
  "part.misplaced": "A record of a large event does not fit the other records of that event.",
  "part.missing": "A large event lacks records that must be among those here.",
  "log.opened": "The log's first record does not fit this log or its keys.",
  "proof.malformed": "The proof of a record cannot be read.",
  "proof.checkpoint": "The proof of a record leads to another signed state.",
  "proof.leaf": "A proof is here, but not the record it proves.",
  "proof.failed": "A record is not the one in the signed log.",
  "proof.missing": "Nothing proves that a record is in the signed log.",
  "range.failed": "The records of the period are not those in the signed log.",
  "opening.place": "A statement is disclosed for which no record has a place.",
  "opening.role": "A statement is disclosed in the wrong file.",
  "opening.commitment": "A disclosed statement is not what was recorded.",
  "names.malformed": "The list of names cannot be read.",
  "tombstone.place": "A proof of destruction is for a statement that no record has.",
  "tombstone.epoch": "A proof of destruction names no record of a destruction.",
  "tombstone.twice": "One destruction is counted for two statements.",
  "tombstone.failed": "A statement is said to be destroyed, and the log does not bear that out.",
  "position.place": "The report speaks of a statement that no record has.",
  "position.twice": "One statement is said to be two things at once.",
  "position.undeclared": "A statement is disclosed that the report does not declare.",
  "position.unopened": "The report says a statement is disclosed, and it is not here.",
  "position.missing": "A statement is gone without proof of destruction.",
  "figure.malformed": "A figure of the report cannot be recomputed.",
  "figure.differs": "A figure of the report is wrong.",
  "figure.too_many": "The report has more figures than can be recomputed.",
  "manifest.leaf": "The record that vouches for this bundle is not one.",
  "manifest.digest": "The record that vouches for a bundle vouches for another one.",
  "manifest.early": "The record that vouches for this bundle is older than what is in it.",
  "manifest.proof": "Nothing proves that the log vouches for this bundle.",
  "manifest.checkpoint": "The signed state that vouches for this bundle does not carry exactly the log's two signatures.",
  "manifest.consistency": "Nothing proves that the log that vouches for this bundle is the log in it.",
  "since.origin": "The checkpoint you kept is of another log.",
  "since.signature": "The checkpoint you kept is not signed by this log.",
  "since.unproved": "The bundle does not show how the log went on from the checkpoint you kept.",
  "since.fork": "The log you saw and the log in this bundle are not the same: its past was rewritten.",
  "require.witness": "No witness of your policy has signed.",
  "require.timestamp": "No time-stamp by an authority of your trust file was checked: this page cannot check any.",
};

/** Say where a finding is, in words. */
function placeInWords({ code, path, line, index, position, kind }) {
  const isFigure = code.startsWith("figure.");
  const parts = [
    path && `file ${path}`,
    line !== null && `${isFigure ? "figure" : "line"} ${line}`,
    index !== null && `record ${index}`,
    position !== null && `statement ${position}`,
    kind && `(${kind})`,
  ];
  return parts.filter(Boolean).join(", ").replace(", (", " (");
}

/** Say what the verdict rests on: one sentence for each leg. */
function groundsInWords({ grade, origin, keysFromOutside, witnessed, stamps, size }) {
  if (grade === "refused") return [NO_GROUNDS];
  const seen = witnessed
    ? `Time and completeness: witnesses of your policy (${witnessed.count}) saw the log up to ${witnessed.size} records.`
    : "Time and completeness: the operator's word only. No witness and no time-stamp authority vouches for when something was recorded, or that nothing was kept out of the log.";
  const time = stamps ? `${seen} ${TOKENS_UNREAD}` : seen;
  const keys = keysFromOutside
    ? "Who signed: the keys of the policy that you chose."
    : "Who signed: the keys that the bundle itself proposes. They show that all parts have one signer, not who that is.";
  const signed = grade === "incomplete" ? "" : ", signed by Ed25519 and by ML-DSA-44";
  const log = `The log: ${origin}, as it stood with ${size} records${signed}.`;
  return [keys, time, log];
}

/** Say which signatures this browser had no means to check: one sentence for each kind. */
function uncheckedInWords(unchecked) {
  return [...new Set(unchecked.map(({ type }) => type))].map((type) => {
    const paths = unchecked.filter((each) => each.type === type).map(({ path }) => path);
    return `the ${type} signatures on ${paths.join(", ")}: this browser cannot check that kind`;
  });
}

/** Return a text with whatever could mislead the eye written as an escape, as the script does. */
function plain(text) {
  return Array.from(text, escapeUnlessPlain).join("");
}

function escapeUnlessPlain(character) {
  const code = character.codePointAt(0);
  if (code >= 0x20 && code < 0x7f) return character;
  const short = { 9: "\\t", 10: "\\n", 13: "\\r" }[code];
  if (short) return short;
  const [letter, width] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(width, "0")}`;
}
