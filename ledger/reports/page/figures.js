// Figures: numbers in a report, each with the query over the leaves that gives it.

const MAX_FIGURES = 500;
// Figures times bytes of the leaves they are computed from: what a bundle may make us do.
const MAX_WORK = 2 ** 32;
const FILTERS = ["facts", "has", "kind", "range"];
const ARGUMENTS = { sum: ["fact"], positions: ["status"] };

// Counts and indexes are BigInt, since a sum may go beyond 2^53; a time is a text.
const OPERATIONS = {
  count: (_, leaves) => BigInt(leaves.length),
  earliest: (_, leaves) => leaves.map(({ at }) => at).sort()[0] ?? null,
  first: (_, leaves) => leaves[0]?.index ?? null,
  last: (_, leaves) => leaves.at(-1)?.index ?? null,
  latest: (_, leaves) => leaves.map(({ at }) => at).sort().at(-1) ?? null,
  out_of_order: (_, leaves) => countOutOfOrder(leaves),
  positions: ({ status }, leaves, issued) => BigInt(countStatus(status, leaves, issued)),
  sum: ({ fact }, leaves) => sumFact(fact, leaves),
};

/** Recompute each figure; return [{label, value, computed, agrees}] of the readable ones. */
function checkFigures(files, report, positions, findings) {
  if (!report) return [];
  const [count, size] = [report.figures.length, files.get(PATHS.leaves)?.length ?? 0];
  if (count > MAX_FIGURES || count * size > MAX_WORK) {
    const detail = `${count} figures over ${size} bytes are not recomputed`;
    findings.add("figure.too_many", detail, PATHS.report);
    return [];
  }
  const all = [...positions.leaves.values()];
  const { period } = report;
  const leaves = isEmptyPeriod(period) ? all : all.filter(({ index }) => isWithin(index, period));
  const issued = positions.issuedByLeaf();
  return report.figures
    .map((figure, at) => checkFigure(figure, { line: at + 1 }, leaves, issued, findings))
    .filter(Boolean);
}

function checkFigure(figure, place, leaves, issued, findings) {
  let computed;
  try {
    computed = evaluate(figure, leaves, issued);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    findings.add("figure.malformed", error.message, PATHS.report, place);
    return null;
  }
  const { label, name, value } = figure;
  const claimed = typeof value === "number" ? BigInt(value) : value;
  const agrees = claimed === computed;
  if (!agrees) {
    const detail = `${name} says ${canonical(value).slice(0, 80)}, the leaves give ${computed}`;
    findings.add("figure.differs", detail, PATHS.report, place);
  }
  return { label: label.slice(0, MAX_TEXT), value: shown(claimed), computed: shown(computed), agrees };
}

function shown(value) {
  if (value === null) return "none";
  return (typeof value === "object" ? canonical(value) : String(value)).slice(0, MAX_TEXT);
}

function evaluate(figure, leaves, issued) {
  const keys = typeOf(figure) === "object" ? Object.keys(figure).sort().join() : "";
  if (keys !== "label,name,query,value") throw new Refused("a figure has label, name, query and value");
  if (typeof figure.label !== "string" || typeof figure.name !== "string") {
    throw new Refused("label and name of a figure are texts");
  }
  const query = parseQuery(figure.query);
  return OPERATIONS[query.op](query, leaves.filter((leaf) => matches(query, leaf)), issued);
}

function parseQuery(value) {
  const isQuery = typeOf(value) === "object" && typeof value.op === "string";
  if (!isQuery || !Object.hasOwn(OPERATIONS, value.op)) {
    throw new Refused(`op of a query is none of ${Object.keys(OPERATIONS).join(", ")}`);
  }
  const wanted = ["op", ...(ARGUMENTS[value.op] ?? [])];
  const known = [...wanted, ...FILTERS];
  if (!wanted.every((key) => key in value) || !Object.keys(value).every((key) => known.includes(key))) {
    throw new Refused(`query ${value.op} has a key too few or too many`);
  }
  for (const key of ["kind", "fact", "status"]) {
    if (key in value && typeof value[key] !== "string") throw new Refused(`${key} of a query is a text`);
  }
  if ("status" in value && !["all", ...STATUSES].includes(value.status)) {
    throw new Refused(`status of a query is none of all, ${STATUSES.join(", ")}`);
  }
  return {
    ...value,
    facts: "facts" in value ? scalars(value.facts) : [],
    has: "has" in value ? scalars(value.has) : [],
    range: "range" in value ? bounds(value.range) : null,
  };
}

function scalars(value) {
  const isScalar = (each) => ["integer", "text", "boolean"].includes(typeOf(each));
  if (typeOf(value) !== "object" || !Object.values(value).every(isScalar)) {
    throw new Refused("facts and has of a query are objects of texts, numbers, true and false");
  }
  return Object.entries(value);
}

function bounds(value) {
  if (!Array.isArray(value) || value.length !== 2) throw new Refused("range of a query is a pair");
  return value.map(natural);
}

function matches({ kind, facts, has, range }, leaf) {
  if (kind !== undefined && leaf.kind !== kind) return false;
  if (range && (leaf.index < range[0] || leaf.index >= range[1])) return false;
  if (!facts.every(([name, value]) => leaf.facts[name] === value)) return false;
  return has.every(([name, member]) => Array.isArray(leaf.facts[name]) && leaf.facts[name].includes(member));
}

function sumFact(fact, leaves) {
  let sum = 0n;
  for (const { facts } of leaves) {
    if (typeof facts[fact] === "number") sum += BigInt(facts[fact]);
  }
  return sum;
}

function countStatus(wanted, leaves, issued) {
  const total = countPositions(leaves);
  if (wanted === "all") return total;
  let count = 0;
  for (const { index } of leaves) {
    const counts = issued.get(index) ?? {};
    // What the bundle shows nothing of is withheld: all that is left.
    const taken = wanted === WITHHELD ? Object.values(counts) : [counts[wanted] ?? 0];
    count += taken.reduce((sum, each) => sum + each, 0);
  }
  return wanted === WITHHELD ? total - count : count;
}

/** Count the leaves whose hour lies before that of an earlier leaf: late or back-dated. */
function countOutOfOrder(leaves) {
  let [count, latest] = [0n, ""];
  for (const { at } of leaves) {
    const hour = at.slice(0, 13);
    if (hour < latest) count += 1n;
    else latest = hour;
  }
  return count;
}
