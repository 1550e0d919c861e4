// Events that several records tell of: the parts agree, and none that must be here is missing.

const CONTINUED = ".continued";
const FURTHER = ["header", "part", "parts"];
const MAX_SPANS_TOLD = 10;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
// Between two parts lies only what was recorded while they were. One hour for times that are cut
// to it, another for the length of a transaction and for clocks that are set.
const SETTLED_MS = 2 * 60 * 60 * 1000;

/**
 * Check the parts of each event against each other; return the events by their first leaf, each
 * {index, kind, parts, here, missing, outside}, the last three as spans [first, last] of numbers.
 */
async function checkEvents(leaves, findings) {
  const told = new Map();
  for (const leaf of leaves.values()) {
    const part = await readPart(leaf, findings);
    if (!part) continue;
    if (!told.has(part.header)) told.set(part.header, []);
    told.get(part.header).push(part);
  }
  const wanted = new Set([...told.values()].flat().map(({ index }) => index));
  const around = surround(leaves, wanted);
  return [...told.values()].map((parts) => checkEvent(parts, around, findings));
}

/** Return what a leaf tells of an event of several records, null when it tells of none. */
async function readPart(leaf, findings) {
  const { index, at, kind, facts } = leaf;
  const isFurther = kind.endsWith(CONTINUED);
  // A continuation that names no header is of a kind that knows no parts as these.
  if (!((isFurther ? "header" : "parts") in facts)) return null;
  const header = isFurther ? facts.header : await digestOfRecord(leaf);
  const [number, parts] = [isFurther ? facts.part : 1, facts.parts];
  const isHeader = typeof header === "string" && DIGEST.test(header);
  const areNumbers = typeof number === "number" && typeof parts === "number";
  const isOneOfThem = (isFurther ? 2 : 1) <= number && number <= parts && parts !== 1;
  const hasNoMore = !isFurther || Object.keys(facts).sort().join() === FURTHER.join();
  if (isHeader && areNumbers && isOneOfThem && hasNoMore) {
    return { index, at, kind, header, number, parts, noun: kind.split(".")[0] };
  }
  const detail = "facts do not say which part of how many this is";
  findings.add("part.malformed", detail, PATHS.leaves, { index, kind });
  return null;
}

/** Return the digest of the record in a leaf, whose one form its parts give again. */
async function digestOfRecord({ at, commitments, facts, kind }) {
  const record = { at, commitments: commitments.map(toBase64), facts, kind, v: LEAF_VERSION };
  return `sha256:${toHex(await sha256(encodeUtf8(canonical(record))))}`;
}

/**
 * Return, for the leaves of these indexes, what lies around them without a gap: the first leaf, and
 * the least and the greatest time that is said, the one up to this leaf, the other from it on.
 */
function surround(leaves, wanted) {
  const around = new Map();
  let [first, before, earliest] = [null, null, ""];
  for (const leaf of leaves.values()) {
    const isNext = before !== null && leaf.index === before + 1n;
    if (!isNext) [first, earliest] = [leaf, leaf.at];
    if (leaf.at < earliest) earliest = leaf.at;
    before = leaf.index;
    if (wanted.has(leaf.index)) around.set(leaf.index, { first, earliest, latest: leaf.at });
  }
  let [behind, latest] = [null, ""];
  for (const leaf of [...leaves.values()].reverse()) {
    const isNext = behind !== null && leaf.index === behind - 1n;
    if (!isNext || leaf.at > latest) latest = leaf.at;
    behind = leaf.index;
    if (wanted.has(leaf.index)) around.get(leaf.index).latest = latest;
  }
  return around;
}

/** Check the parts of one event, one at least, in the order of their leaves. */
function checkEvent([first, ...others], around, findings) {
  const taken = [first];
  for (const part of others) {
    const last = taken.at(-1);
    if (part.noun === last.noun && part.parts === last.parts && part.number > last.number) {
      taken.push(part);
    } else {
      const wanted = `wanted one behind ${tellPart(last)}, in the event of leaf ${first.index}`;
      const { index, kind } = part;
      findings.add("part.misplaced", `${tellPart(part)}, ${wanted}`, PATHS.leaves, { index, kind });
    }
  }
  const { index, kind, parts } = first;
  const absent = absentSpans(taken, around);
  const missing = absent.filter(({ isMissing }) => isMissing).map(({ span }) => span);
  if (missing.length) {
    const detail = `of ${parts} parts ${tellSpans(missing)} must lie among these leaves`;
    findings.add("part.missing", detail, PATHS.leaves, { index, kind });
  }
  const outside = absent.filter(({ isMissing }) => !isMissing).map(({ span }) => span);
  return { index, kind, parts, here: spansOf(taken.map(({ number }) => number)), missing, outside };
}

/** Return the spans of parts that are not here, and whether they must be. */
function absentSpans(taken, around) {
  const [first, last] = [taken[0], taken.at(-1)];
  const absent = [];
  if (first.number > 1) {
    const isMissing = beginsHere(first, around.get(first.index));
    absent.push({ span: [1, first.number - 1], isMissing });
  }
  taken.slice(1).forEach((part, at) => {
    const before = taken[at];
    if (before.number + 1 === part.number) return;
    const isMissing = around.get(before.index).first === around.get(part.index).first;
    absent.push({ span: [before.number + 1, part.number - 1], isMissing });
  });
  if (last.number < last.parts) {
    const isMissing = isSettled(last.at, around.get(last.index).latest);
    absent.push({ span: [last.number + 1, last.parts], isMissing });
  }
  return absent;
}

/** Return whether the event of a part began within the leaves before it. */
function beginsHere({ at }, { first, earliest }) {
  // A log that goes on from another one may begin with the rest of an event.
  if (first.index === 0n && !("predecessors" in first.facts)) return true;
  return isSettled(earliest, at);
}

function isSettled(earlier, later) {
  return Date.parse(later) - Date.parse(earlier) > SETTLED_MS;
}

/** Return ascending numbers as spans. */
function spansOf(numbers) {
  const spans = [];
  for (const number of numbers) {
    if (spans.at(-1)?.[1] === number - 1) spans.at(-1)[1] = number;
    else spans.push([number, number]);
  }
  return spans;
}

/** Return spans in words, of many the first ones. */
function tellSpans(spans) {
  const told = spans.slice(0, MAX_SPANS_TOLD).map(([a, b]) => (a < b ? `${a} to ${b}` : `${a}`));
  return [...told, ...(spans.length > MAX_SPANS_TOLD ? ["more"] : [])].join(", ");
}

/** Return an event with its spans in words. */
function tellEvent({ here, missing, outside, ...event }) {
  return { ...event, here: tellSpans(here), missing: tellSpans(missing), outside: tellSpans(outside) };
}

function tellPart({ number, parts, noun }) {
  return `part ${number} of ${parts} of a ${noun}`;
}
