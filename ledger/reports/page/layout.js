// What lies in a bundle, and the one shape that each of its small JSON texts may have.

const PATHS = {
  checkpoint: "checkpoint",
  leaves: "leaves.ndjson",
  manifest: "manifest.json",
  manifestConsistency: "manifest.consistency",
  manifestLeaf: "manifest.leaf",
  manifestProof: "manifest.tlog-proof",
  names: "disclosed/names.json",
  openings: "disclosed/openings.ndjson",
  padding: "padding.ndjson",
  policy: "policy",
  readme: "README.txt",
  report: "report.json",
  reportPdf: "report.pdf",
  tombstones: "tombstones.ndjson",
  trust: "trust.json",
  verifyHtml: "verify.html",
};
// Papers about one answer of one person; covered by the manifest, and read by nobody here.
const PAPERS = ["evidence.json", "notice.txt", "receipt.jsonld", "record.jsonld"];
const DISCLOSED = [PATHS.names, PATHS.openings, ...PAPERS.map((name) => `disclosed/${name}`)];
const REQUIRED = Object.values(PATHS).filter((path) => !DISCLOSED.includes(path));
// What proves the manifest cannot be listed in it.
const UNLISTED = new Set([
  PATHS.manifest,
  PATHS.manifestConsistency,
  PATHS.manifestLeaf,
  PATHS.manifestProof,
]);
const NUMBERED = /^([a-z]+)\/(0|[1-9][0-9]{0,15})(\.[a-z-]+)?$/;
const SUFFIXES = new Map([
  ["checkpoints", ""],
  ["consistency", ""],
  ["proofs", ".tlog-proof"],
  ["timestamps", ".tsr"],
]);
const BUNDLE_VERSION = 1;
const MAX_LINES = 1_000_000;
const LINE_FEED = 10;

/** Return whether a bundle may have a file at `path`. */
function isKnown(path) {
  const match = NUMBERED.exec(path);
  if (match) return SUFFIXES.get(match[1]) === (match[3] ?? "");
  return REQUIRED.includes(path) || DISCLOSED.includes(path);
}

/** Return [number, path] of each file in `folder`, by number. */
function numbered(files, folder) {
  const matches = [...files.keys()].filter(isKnown).map((path) => NUMBERED.exec(path));
  return matches
    .filter((match) => match?.[1] === folder)
    .map((match) => [BigInt(match[2]), match[0]])
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function proofPath(index) {
  return `proofs/${index}.tlog-proof`;
}

/**
 * Yield [number, value] for each line of canonical JSON; an absent file has none. `progress` is
 * told the share of the file that has been read.
 */
function* readLines(path, files, findings, progress) {
  const data = files.get(path) ?? NO_BYTES;
  for (let begin = 0, number = 1; begin < data.length; number++) {
    progress(begin / data.length);
    const end = data.indexOf(LINE_FEED, begin);
    if (end < 0 || number > MAX_LINES) {
      findings.add("line.malformed", "cut off, or one line too many", path, { line: number });
      return;
    }
    const value = readLine(data.subarray(begin, end), path, number, findings);
    if (value) yield [number, value];
    begin = end + 1;
  }
}

function readLine(data, path, number, findings) {
  try {
    return parseObject(data);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    findings.add("line.malformed", error.message, path, { line: number });
    return null;
  }
}

/** Return `value`, an object of exactly these keys and types. */
function exact(value, types) {
  const wanted = Object.keys(types);
  const isObject = typeOf(value) === "object";
  if (!isObject || Object.keys(value).length !== wanted.length || !wanted.every((key) => key in value)) {
    throw new Refused(`wanted an object of ${wanted.join(", ")}`);
  }
  for (const key of wanted) {
    if (typeOf(value[key]) !== types[key]) {
      throw new Refused(`${key} is of type ${typeOf(value[key])}, wanted ${types[key]}`);
    }
  }
  return value;
}

/** Return an index, size or position as a BigInt. */
function natural(value) {
  if (typeof value !== "number" || value < 0) throw new Refused("a number is below 0, or is none");
  return BigInt(value);
}

/** Return the 32 bytes whose base64 `value` is. */
function binary(value) {
  const data = typeof value === "string" ? fromBase64(value) : null;
  if (data?.length !== 32) throw new Refused("a text is not the base64 of 32 bytes");
  return data;
}

/** Return `value` as `exact` does, once its version, looked at first, is the one read here. */
function versioned(value, types, wanted = BUNDLE_VERSION) {
  const version = typeOf(value) === "object" ? value.v : null;
  if (typeOf(version) === "integer" && version !== wanted) {
    throw new Refused(`version is ${version}, this verifier reads ${wanted}`);
  }
  return exact(value, { ...types, v: "integer" });
}

/** Return -1, 0 or 1 for two places {index, position}; null comes before all. */
function comparePlaces(one, other) {
  if (!one || !other) return Number(Boolean(one)) - Number(Boolean(other));
  if (one.index !== other.index) return one.index < other.index ? -1 : 1;
  if (one.position !== other.position) return one.position < other.position ? -1 : 1;
  return 0;
}

/** Return a place as the key of a Map. */
function placeKey({ index, position }) {
  return `${index}/${position}`;
}
