// C2SP signed notes, checkpoints and tlog-proofs. Signature types: 0x01 Ed25519 over the text, 0x04
// Ed25519 with a time, 0x06 ML-DSA-44 with a time.

const MAX_NOTE_SIZE = 2 ** 20;
const MAX_SIGNATURES = 64;
const MAX_SIZE = 2n ** 63n - 1n;
const MAX_PATH = 63;
const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const [ED25519, COSIGNATURE, MLDSA44] = [1, 4, 6];
const TYPE_NAMES = { [ED25519]: "Ed25519", [COSIGNATURE]: "Ed25519", [MLDSA44]: "ML-DSA-44" };
const KEY_SIZES = { [ED25519]: 32, [COSIGNATURE]: 32, [MLDSA44]: 1312 };
const SIGNATURE_SIZES = { [ED25519]: 64, [COSIGNATURE]: 64, [MLDSA44]: 2420 };
const NOTE_CONTROL = /[\x00-\x09\x0b-\x1f]/;
// Unicode's spaces and those controls that separate; \s knows another set.
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Return {source, text, signatures} of a signed note, given as bytes or as text. */
function parseNote(source) {
  const message = typeof source === "string" ? source : decodeUtf8(source, "note");
  if (sizeOf(source) > MAX_NOTE_SIZE) throw new Refused(`note is longer than ${MAX_NOTE_SIZE} bytes`);
  if (NOTE_CONTROL.test(message)) throw new Refused("note holds a control character");
  // The text itself may hold empty lines: only the last one parts it from the signatures.
  const part = message.lastIndexOf("\n\n");
  if (part < 1) throw new Refused("note has no empty line before its signatures");
  const tail = message.slice(part + 2);
  if (!tail.endsWith("\n")) throw new Refused("note does not end with a signature line");
  const lines = tail.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new Refused(`note has ${lines.length} signatures`);
  return { source: message, text: message.slice(0, part + 1), signatures: lines.map(parseSignature) };
}

/** Return the length of bytes, or of a text in code points. */
function sizeOf(source) {
  if (typeof source !== "string" || source.length <= MAX_NOTE_SIZE) return source.length;
  let size = 0;
  for (const _ of source) size++;
  return size;
}

function parseSignature(line) {
  const [, name, encoded] = /^— ([^ ]*) (.*)$/s.exec(line) ?? [];
  const blob = encoded === undefined ? null : fromBase64(encoded);
  if (!blob || blob.length <= 4) throw new Refused("signature line is not of the form — name base64");
  checkKeyName(name);
  return { id: keyName(name, toHex(blob.subarray(0, 4))), value: blob.subarray(4) };
}

/** Return what a signature names its key by. No name holds a space. */
function keyName(name, keyId) {
  return `${name} ${keyId}`;
}

function checkKeyName(name) {
  if (!name || name.includes("+") || SPACE.test(name)) {
    throw new Refused("key name is empty, or holds a space or a plus sign");
  }
  if (NOTE_CONTROL.test(name)) throw new Refused("key name holds a control character");
}

/** Return {origin, size, root, extensions} of a checkpoint's text. */
function parseCheckpoint(text) {
  const lines = text.slice(0, -1).split("\n");
  if (!text.endsWith("\n") || lines.length < 3 || lines.includes("")) {
    throw new Refused("checkpoint text wants origin, size and root, and no empty line");
  }
  const root = parseHash(lines[2]);
  return { origin: lines[0], size: parseDecimal(lines[1]), root, extensions: lines.slice(3) };
}

function parseDecimal(text) {
  const isDecimal = text.length <= 19 && /^(0|[1-9][0-9]*)$/.test(text);
  if (!isDecimal || BigInt(text) > MAX_SIZE) {
    throw new Refused("a number is not a decimal from 0 to 2^63 - 1");
  }
  return BigInt(text);
}

function parseHash(line) {
  const value = fromBase64(line);
  if (value?.length !== HASH_SIZE) throw new Refused(`a line is not the base64 of ${HASH_SIZE} bytes`);
  return value;
}

/** Return the verifier {name, type, key, id, vkey} of a text name+id+base64. */
async function parseVerifier(vkey) {
  const [, name, keyId, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(vkey) ?? [];
  const data = encoded === undefined ? null : fromBase64(encoded);
  if (!data?.length) throw new Refused("verifier key is not of the form name+id+base64");
  checkKeyName(name);
  const [type, key] = [data[0], data.subarray(1)];
  if (KEY_SIZES[type] !== key.length) throw new Refused("verifier key is of no known type and size");
  const digest = await sha256(encodeUtf8(`${name}\n`), data);
  if (toHex(digest.subarray(0, 4)) !== keyId) throw new Refused("verifier key has another id");
  return { name, type, key, id: keyName(name, keyId), vkey };
}

/**
 * Check each signature by a known key; return [{verifier, isChecked}]. Signatures by unknown keys
 * are ignored; one that fails sinks the note. isChecked is false where this browser cannot check.
 */
async function verifyNote(note, verifiers) {
  const known = new Map(verifiers.map((verifier) => [verifier.id, verifier]));
  if (known.size !== verifiers.length) throw new Refused("two known keys share a name and a key id");
  const signed = [];
  for (const { id, value } of note.signatures) {
    const verifier = known.get(id);
    if (verifier) signed.push({ verifier, isChecked: await verifySignature(verifier, note.text, value) });
  }
  if (!signed.length) throw new Refused("note carries no signature by a known key");
  return signed;
}

/** Check one signature. Returns false, without a verdict, where this browser cannot do it. */
async function verifySignature(verifier, text, value) {
  const { type, key, name } = verifier;
  const signature = type === ED25519 ? value : value.subarray(8);
  const message = signedMessage(verifier, text, value);
  const failure = new Refused(`signature by ${name} (${TYPE_NAMES[type]}) does not hold`);
  if (signature.length !== SIGNATURE_SIZES[type]) throw failure;
  if (!(await isSupported(type))) return false;
  const imported = await importVerifyingKey(type, key).catch(() => null);
  const algorithm = TYPE_NAMES[type];
  if (!imported || !(await crypto.subtle.verify(algorithm, imported, signature, message))) throw failure;
  return true;
}

function signedMessage({ type, name }, text, value) {
  if (type === ED25519) return encodeUtf8(text);
  if (value.length <= 8) throw new Refused("timestamped signature is too short to hold a time");
  const time = new DataView(value.buffer, value.byteOffset).getBigUint64(0);
  const checkpoint = parseCheckpoint(text);
  if (time > MAX_SIZE) throw new Refused("signature time is beyond 2^63 - 1");
  if (type === COSIGNATURE) return encodeUtf8(`cosignature/v1\ntime ${time}\n${text}`);
  // tlog-cosignature.md, ML-DSA-44 signed message; start 0 and end = size for a checkpoint.
  return concat(
    encodeUtf8("subtree/v1\n\0"),
    shortText(name),
    bigEndian(time),
    shortText(checkpoint.origin),
    bigEndian(0n),
    bigEndian(checkpoint.size),
    checkpoint.root,
  );
}

function shortText(text) {
  const data = encodeUtf8(text);
  if (data.length > 255) throw new Refused(`name has ${data.length} bytes, at most 255 fit`);
  return concat(Uint8Array.of(data.length), data);
}

function importVerifyingKey(type, key) {
  const format = type === MLDSA44 ? "raw-public" : "raw";
  return crypto.subtle.importKey(format, key, TYPE_NAMES[type], false, ["verify"]);
}

// A key that every implementation takes: the base point of Ed25519; any bytes do for ML-DSA.
const isSupported = memoised((type) => {
  const key = new Uint8Array(KEY_SIZES[type]).fill(0x66);
  if (type !== MLDSA44) key[0] = 0x58;
  return importVerifyingKey(type, key).then(() => true, () => false);
});

function memoised(compute) {
  const known = new Map();
  return (argument) => {
    if (!known.has(argument)) known.set(argument, compute(argument));
    return known.get(argument);
  };
}

/** Return {index, path, note, hasExtra} of a tlog-proof. */
function parseProof(data) {
  const text = decodeUtf8(data, "proof");
  const part = text.indexOf("\n\n");
  if (part < 0) throw new Refused("proof has no empty line before its checkpoint");
  // One line more than fits is enough to see that there are too many.
  const [header, ...lines] = text.slice(0, part).split("\n", MAX_PATH + 4);
  if (header !== PROOF_HEADER) throw new Refused(`proof does not begin with ${PROOF_HEADER}`);
  const hasExtra = lines[0]?.startsWith("extra ") ?? false;
  if (hasExtra && !fromBase64(lines.shift().slice(6))) throw new Refused("proof's extra is not base64");
  if (!lines[0]?.startsWith("index ")) throw new Refused("proof does not name an index");
  if (lines.length > 1 + MAX_PATH) throw new Refused(`proof has more than ${MAX_PATH} hashes`);
  const index = parseDecimal(lines[0].slice(6));
  return { index, path: lines.slice(1).map(parseHash), note: parseNote(text.slice(part + 2)), hasExtra };
}

/** Check that a leaf hash stands at the proof's index under the proof's own checkpoint. */
async function verifyProof(proof, hash) {
  const { size, root } = parseCheckpoint(proof.note.text);
  await verifyInclusion(hash, proof.index, size, proof.path, root);
}

/** Return the hashes of a consistency proof: one base64 a line. */
function parseConsistency(data) {
  // So many lines of 44 characters fit; who brings more is refused before anything is split.
  if (data.length > (MAX_PATH + 1) * 45) throw new Refused("consistency proof is too long");
  const lines = decodeUtf8(data, "consistency proof").split("\n");
  if (lines.pop() !== "") throw new Refused("consistency proof does not end in a line feed");
  return lines.map(parseHash);
}
