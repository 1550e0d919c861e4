// The positions: each segment of each leaf is opened, withheld, destroyed, padding or missing.

const [OPENED, WITHHELD, DESTROYED] = ["opened", "withheld", "destroyed"];
const [PADDING, MISSING] = ["padding", "missing"];
const STATUSES = [OPENED, WITHHELD, DESTROYED, PADDING, MISSING];
const SEGMENTS_DESTROYED = "segments.destroyed";
const SEGMENT_LABEL = "muniment/segment/v1\0";
const TOMBSTONE_LABEL = "muniment/tombstone/v1\0";
const ROLE = /^[a-z][a-z0-9_]*$/;

/** What the bundle shows of each position; what it shows nothing of is withheld. */
class Positions {
  constructor(leaves) {
    this.leaves = leaves;
    this.shown = new Map();
    this.openings = new Map();
  }

  /** Return the commitment at a place, or undefined when there is no such place. */
  commitment({ index, position }) {
    return this.leaves.get(index)?.commitments[position];
  }

  /** Give a place its status; a second one is a finding. */
  claim(place, status, path, findings) {
    const key = placeKey(place);
    const before = this.shown.get(key);
    if (before) {
      findings.add("position.twice", `${status}, but ${before.status} already`, path, where(place));
    } else {
      this.shown.set(key, { index: place.index, status });
    }
  }

  /** Return how many positions of each leaf were issued with each status but withheld. */
  issuedByLeaf() {
    const byLeaf = new Map();
    for (const { index, status } of this.shown.values()) {
      if (!byLeaf.has(index)) byLeaf.set(index, noCounts());
      byLeaf.get(index)[status]++;
    }
    return byLeaf;
  }

  /** Return how many positions have each status, as the bundle lies here. */
  count() {
    const counts = noCounts();
    for (const [key, { status }] of this.shown) {
      // Openings may have been taken out since the report declared them.
      counts[status === OPENED && !this.openings.has(key) ? WITHHELD : status]++;
    }
    counts[WITHHELD] += countPositions(this.leaves.values()) - this.shown.size;
    return counts;
  }
}

function noCounts() {
  return Object.fromEntries(STATUSES.map((status) => [status, 0]));
}

function countPositions(leaves) {
  let total = 0;
  for (const { commitments } of leaves) total += commitments.length;
  return total;
}

/** Check padding, tombstones and openings against the leaves, and against the report. */
async function checkPositions(files, positions, { report, findings, withheld }, progress) {
  for (const place of await readOpenings(PATHS.padding, files, positions, findings, progress)) {
    positions.claim(place, PADDING, PATHS.padding, findings);
  }
  await checkTombstones(files, positions, findings, progress);
  if (report) takeDeclared(report, positions, findings);
  for (const place of await readOpenings(PATHS.openings, files, positions, findings, progress)) {
    positions.openings.set(placeKey(place), place);
  }
  if (report) checkDeclared(report, positions, findings, withheld);
  await checkNames(files, findings);
}

/** Return a place, and the kind of its leaf if known, as the place of a finding. */
function where({ index, position }, kind = null) {
  return { index, position, kind };
}

/** Read the lines of a file with `parse`, in order of their places; call `takeLine` with each. */
async function readPlaced(lines, path, findings, parse, takeLine) {
  let last = null;
  for (const [number, value] of lines) {
    const read = () => parse(value);
    const line = await findings.attempt("line.malformed", path, { line: number }, read);
    if (!line) continue;
    if (comparePlaces(line, last) <= 0) {
      findings.add("line.order", "line is out of order", path, { line: number });
      continue;
    }
    last = line;
    await takeLine(line);
  }
}

/** Return the openings of one file that hold. */
async function readOpenings(path, files, positions, findings, progress) {
  const good = [];
  const lines = readLines(path, files, findings, progress);
  await readPlaced(lines, path, findings, parseOpening, async (opening) => {
    if (await openingHolds(path, opening, positions, findings)) good.push(opening);
  });
  return good;
}

function parseOpening(value) {
  const line = exact(value, {
    index: "integer", kind: "text", payload: "object", position: "integer", r: "text", role: "text",
  });
  const { kind, payload, role } = line;
  if (!KIND.test(kind)) throw new Refused("opening's kind is not of the form noun.past_participle");
  if (!ROLE.test(role)) throw new Refused("opening's role does not match [a-z][a-z0-9_]*");
  if (role === PADDING && Object.keys(payload).length) throw new Refused("padding holds a payload");
  const r = binary(line.r);
  return { index: natural(line.index), position: natural(line.position), kind, payload, r, role };
}

async function openingHolds(path, opening, positions, findings) {
  const commitment = positions.commitment(opening);
  if (!commitment) {
    findings.add("opening.place", "no such position here", path, where(opening));
    return false;
  }
  const { kind } = positions.leaves.get(opening.index);
  if ((opening.role === PADDING) !== (path === PATHS.padding)) {
    findings.add("opening.role", `role is ${opening.role}`, path, where(opening, kind));
    return false;
  }
  if (opening.kind !== kind || !areEqual(await commit(opening), commitment)) {
    findings.add("opening.commitment", "opening is not of this commitment", path, where(opening, kind));
    return false;
  }
  return true;
}

/** Return HMAC-SHA-256(r, label ‖ canonical {kind, payload, role}). */
function commit({ kind, payload, r, role }) {
  return hmacSha256(r, encodeUtf8(SEGMENT_LABEL + canonical({ kind, payload, role })));
}

async function checkTombstones(files, positions, findings, progress) {
  const used = new Set();
  const lines = readLines(PATHS.tombstones, files, findings, progress);
  await readPlaced(lines, PATHS.tombstones, findings, parseTombstone, async (stone) => {
    const entry = `${stone.destroyed}/${stone.leaf}`;
    if (used.has(entry)) {
      findings.add("tombstone.twice", "entry is used twice", PATHS.tombstones, where(stone));
      return;
    }
    used.add(entry);
    await checkTombstone(stone, positions, findings);
  });
}

function parseTombstone(value) {
  const line = exact(value, {
    destroyed: "integer", index: "integer", leaf: "integer", path: "list", position: "integer", salt: "text",
  });
  return {
    destroyed: natural(line.destroyed),
    index: natural(line.index),
    leaf: natural(line.leaf),
    path: line.path.map(binary),
    position: natural(line.position),
    salt: binary(line.salt),
  };
}

async function checkTombstone(stone, positions, findings) {
  const path = PATHS.tombstones;
  const commitment = positions.commitment(stone);
  if (!commitment) {
    findings.add("tombstone.place", "no such position here", path, where(stone));
    return;
  }
  const { kind } = positions.leaves.get(stone.index);
  const epoch = epochOf(stone, positions.leaves);
  if (!epoch) {
    findings.add("tombstone.epoch", `leaf ${stone.destroyed} closes no epoch`, path, where(stone, kind));
    return;
  }
  const holds = await findings.attempt("tombstone.failed", path, where(stone, kind), async () => {
    const entry = await leafHash(concat(encodeUtf8(TOMBSTONE_LABEL), stone.salt, commitment));
    await verifyInclusion(entry, stone.leaf, epoch.count, stone.path, epoch.root);
    return true;
  });
  if (holds) positions.claim(stone, DESTROYED, path, findings);
}

/** Return count and root of the epoch's tree, or null when the leaf closes no epoch. */
function epochOf(stone, leaves) {
  const leaf = leaves.get(stone.destroyed);
  // What comes before a segment cannot have destroyed it.
  if (leaf?.kind !== SEGMENTS_DESTROYED || stone.destroyed <= stone.index) return null;
  const { epoch, count, root } = leaf.facts;
  if (typeof epoch !== "number" || typeof count !== "number") return null;
  if (typeof root !== "string" || !/^sha256:[0-9a-f]{64}$/.test(root)) return null;
  return { count: BigInt(count), root: fromHex(root.slice("sha256:".length)) };
}

function takeDeclared(report, positions, findings) {
  for (const [places, status] of [[report.opened, OPENED], [report.missing, MISSING]]) {
    for (const place of places) {
      if (positions.commitment(place)) takePlace(place, status, positions, findings);
      else findings.add("position.place", `${status}, but not here`, PATHS.report, where(place));
    }
  }
}

function takePlace(place, status, positions, findings) {
  positions.claim(place, status, PATHS.report, findings);
  if (status === MISSING) {
    const { kind } = positions.leaves.get(place.index);
    findings.add("position.missing", "missing without cause", PATHS.report, where(place, kind));
  }
}

function checkDeclared(report, positions, findings, withheld) {
  for (const [key, place] of positions.openings) {
    if (positions.shown.get(key)?.status !== OPENED) {
      findings.add("position.undeclared", "report declares no opening", PATHS.openings, where(place));
    }
  }
  if (withheld) return;
  for (const place of report.opened) {
    if (!positions.openings.has(placeKey(place))) {
      findings.add("position.unopened", "no opening holds", PATHS.report, where(place));
    }
  }
}

async function checkNames(files, findings) {
  const data = files.get(PATHS.names);
  if (!data) return;
  await findings.attempt("names.malformed", PATHS.names, {}, () => {
    const value = versioned(parseObject(data), { names: "list", salt: "text" });
    binary(value.salt);
    for (const name of value.names) exact(name, { handle: "text", name: "text" });
  });
}
