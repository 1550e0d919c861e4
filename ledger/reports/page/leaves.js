// The leaves: each well formed, each naming the one before, all proved under the checkpoint.

const MAX_LEAF_SIZE = 65_535;
const MAX_SEGMENTS = 256;
const LEAF_VERSION = 1;
const LOG_OPENED = "log.opened";
const FIRST_PREV = "0".repeat(64);
const AT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00Z$/;
const KIND = /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/;

/** Return {index, prev, hash, at, commitments, facts, kind} of a leaf's exact bytes. */
async function parseLeaf(data) {
  if (data.length > MAX_LEAF_SIZE) throw new Refused(`leaf has ${data.length} bytes`);
  const value = exact(parseObject(data), { index: "integer", prev: "text", record: "object" });
  const index = natural(value.index);
  if (!/^[0-9a-f]{64}$/.test(value.prev)) throw new Refused("leaf's prev is not 64 hexadecimal digits");
  if (index === 0n && value.prev !== FIRST_PREV) throw new Refused("leaf 0 names a leaf before it");
  const body = parseBody(value.record);
  return { index, prev: value.prev, hash: await leafHash(data), ...body };
}

function parseBody(record) {
  const types = { at: "text", commitments: "list", facts: "object", kind: "text" };
  const { at, facts, kind, ...body } = versioned(record, types, LEAF_VERSION);
  if (!isMinute(at)) throw new Refused("record's at is not a time in UTC, cut to the minute");
  if (!KIND.test(kind)) throw new Refused("record's kind is not of the form noun.past_participle");
  const count = body.commitments.length;
  if (count > MAX_SEGMENTS || count & (count - 1)) {
    throw new Refused(`record shows ${count} commitments, wanted 0 or a power of two up to 256`);
  }
  const commitments = body.commitments.map(binary);
  if (commitments.some((one, at) => at && compareBytes(commitments[at - 1], one) >= 0)) {
    throw new Refused("commitments are not in order, or one stands twice");
  }
  return { at, commitments, facts, kind };
}

function isMinute(text) {
  const time = AT.test(text) && !text.startsWith("0000") ? new Date(text) : new Date(Number.NaN);
  // Date takes 31 days for every month, and hour 24: what it makes of them reads otherwise.
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace("Z", ".000Z");
}

/** Return the well-formed leaves by index, in order; check each link between neighbours. */
async function readLeaves(files, findings, progress) {
  const leaves = new Map();
  let last = -1n;
  for (const [number, value] of readLines(PATHS.leaves, files, findings, progress)) {
    const line = await findings.attempt("line.malformed", PATHS.leaves, { line: number }, () => {
      const { index, leaf } = exact(value, { index: "integer", leaf: "text" });
      return { index: natural(index), text: leaf };
    });
    if (!line) continue;
    if (line.index <= last) {
      findings.add("line.order", `leaf ${line.index} after ${last}`, PATHS.leaves, { line: number });
      continue;
    }
    last = line.index;
    const leaf = await readLeaf(line, findings);
    if (leaf) {
      checkLink(leaves.get(last - 1n), leaf, findings);
      leaves.set(last, leaf);
    }
  }
  return leaves;
}

function readLeaf({ index, text }, findings) {
  return findings.attempt("leaf.malformed", PATHS.leaves, { index }, async () => {
    const leaf = await parseLeaf(encodeUtf8(text));
    if (leaf.index !== index) throw new Refused(`leaf says index ${leaf.index}, its line ${index}`);
    return leaf;
  });
}

function checkLink(before, { index, kind, prev }, findings) {
  if (before && prev !== toHex(before.hash)) {
    const detail = `leaf ${index} does not name leaf ${before.index} as the one before`;
    findings.add("leaf.link", detail, PATHS.leaves, { index, kind });
  }
}

/** Check that leaf 0, where it is at hand, opens this log and names the keys that signed. */
function checkOpeningLeaf(leaves, head, keys, findings) {
  const leaf = leaves.get(0n);
  if (!leaf || !head) return;
  const complaint = complaintOfOpening(leaf, head, keys);
  if (complaint) findings.add("log.opened", complaint, PATHS.leaves, { index: 0n, kind: leaf.kind });
}

function complaintOfOpening({ kind, facts }, head, keys) {
  if (kind !== LOG_OPENED) return `leaf 0 is no ${LOG_OPENED}`;
  if (facts.origin !== head.origin) return "leaf 0 opens a log of another origin";
  // A log that names no keys is held to those of the policy alone.
  const named = facts.keys ?? null;
  if (!keys || named === null) return "";
  const ours = Array.isArray(named) ? keys.verifiers.filter(({ vkey }) => named.includes(vkey)) : [];
  const hasBoth = LOG_TYPES.every((wanted) => ours.some(({ type }) => type === wanted));
  return hasBoth ? "" : "leaf 0 does not name both keys that signed";
}

/** Check that no leaf of the period is left out; one finding for each run of absent ones. */
function checkGaps(leaves, period, findings) {
  let expected = period.first;
  const present = [...leaves.keys()].filter((index) => isWithin(index, period));
  for (const index of [...present, period.end]) {
    if (index > expected) {
      const detail = `${index - expected} absent from here on`;
      findings.add("leaf.gap", detail, PATHS.leaves, { index: expected });
    }
    expected = index + 1n;
  }
}

/** Check each proof, and that there is one for each leaf that needs its own; return the good. */
async function checkProofs(files, leaves, head, period, findings) {
  const good = new Map();
  for (const [index, path] of numbered(files, "proofs")) {
    const read = () => parseProof(files.get(path));
    const proof = await findings.attempt("proof.malformed", path, { index }, read);
    if (proof && (await checkProof(index, path, proof, leaves, head, findings))) good.set(index, proof);
  }
  for (const index of needProof(leaves, period)) {
    const path = proofPath(index);
    if (!files.has(path)) findings.add("proof.missing", "leaf has no proof", path, { index });
  }
  await checkRange(leaves, good, head, period, findings);
  return good;
}

async function checkProof(index, path, proof, leaves, head, findings) {
  if (proof.note.source !== head.note.source) {
    findings.add("proof.checkpoint", "proof ends in another checkpoint", path, { index });
    return false;
  }
  const leaf = leaves.get(index);
  if (!leaf) {
    findings.add("proof.leaf", "proof is of a leaf that is not here", path, { index });
    return false;
  }
  const holds = await findings.attempt("proof.failed", path, { index, kind: leaf.kind }, async () => {
    if (proof.index !== index) throw new Refused(`proof says index ${proof.index}`);
    await verifyProof(proof, leaf.hash);
    return true;
  });
  return Boolean(holds);
}

function needProof(leaves, period) {
  const ends = isEmptyPeriod(period) ? [] : [period.first, period.end - 1n];
  const outside = [...leaves.keys()].filter((index) => !isWithin(index, period));
  return [...new Set([...ends, ...outside])].sort((one, other) => (one < other ? -1 : 1));
}

async function checkRange(leaves, proofs, head, period, findings) {
  const [first, last] = [proofs.get(period.first), proofs.get(period.end - 1n)];
  const within = [...leaves.values()].filter(({ index }) => isWithin(index, period));
  if (!first || !last || BigInt(within.length) !== period.end - period.first) return;
  const hashes = within.map(({ hash }) => hash);
  await findings.attempt("range.failed", PATHS.leaves, { index: period.first }, async () => {
    const root = await rootFromRange(hashes, period.first, head.size, first.path, last.path);
    if (!areEqual(root, head.root)) throw new Refused(`leaves do not fold to the root of size ${head.size}`);
  });
}
