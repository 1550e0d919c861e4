// Verify a bundle: the order of all checks, and the verdict.

const OPERATORS_WORD = "operator's word only";
const NOT_CHECKED = [
  "the signature inside report.pdf",
  "whether report.pdf says what report.json says",
  "names in disclosed/: the log does not know them",
  "papers in disclosed/: manage.py verify_receipt checks a receipt against them",
];
// CMS and X.509 are in no browser's reach, and no parser of our own fills the gap.
const TOKENS_NOT_CHECKED =
  "the time-stamp tokens in timestamps/: muniment-verify and openssl ts check them, " +
  "and muniment-verify the times of records against them";

/**
 * Verify the bytes of a bundle. `demands` are what the auditor brings: policy, trust ({pades, tsa},
 * PEM texts), since ({note, checkpoint} kept from earlier) and require (a list of witness, timestamp).
 * `progress` is called with a stage in words and a share from 0 to 1. Raises NotAnArchive.
 */
async function verifyBundle(data, demands, progress) {
  const findings = new Findings();
  const state = {
    findings, head: null, keys: null, witnessed: null, stamps: 0, report: null, leaves: new Map(),
    events: [], positions: new Positions(new Map()), figures: [], withheld: false, unchecked: [],
  };
  try {
    progress("Reading the archive", 0);
    const files = readArchive(data, findings);
    if (files) await examine(files, demands, state, progress);
  } catch (error) {
    if (!(error instanceof TooManyFindings)) throw error;
  }
  return verdictOf(state);
}

/** Run all checks in order. A check whose ground is malformed is left out: that was found. */
async function examine(files, demands, state, progress) {
  const { findings, unchecked } = state;
  progress("Comparing every file with the manifest", 0.1);
  state.withheld = await checkFiles(files, findings);
  const head = await readHead(files, findings);
  const keys = await chooseKeys(files, head, demands.policy, findings);
  await checkTrust(files, demands.trust, findings);
  progress("Checking signatures", 0.2);
  let checkpoints = new Map();
  if (head) {
    Object.assign(state, { head, keys });
    checkpoints = await examineCheckpoints(files, state);
  }
  state.stamps = checkStamps(files, checkpoints, findings);
  state.report = await readReport(files, head, checkpoints, findings);
  const proofs = await examineLeaves(files, state, progress);
  await examinePositions(files, state, progress);
  progress("Checking the record that vouches for the manifest", 0.95);
  const later = await checkIssue(files, keys, head, findings, unchecked);
  if (later && !checkpoints.has(later.size)) checkpoints.set(later.size, later.root);
  if (head && keys) await checkKeys(files, state.leaves, keys, head.origin, findings);
  if (head && keys) await checkDemands(demands, checkpoints, proofs, state);
}

async function examineCheckpoints(files, state) {
  const { head, keys, findings, unchecked } = state;
  const signed = new Map();
  const found = keys && (await checkHead(head, keys, findings, unchecked));
  if (found) signed.set(head.size, found);
  const good = await checkEarlier(files, head, keys, signed, findings, unchecked);
  if (keys) state.witnessed = findWitnessed(signed, keys);
  return good;
}

async function examineLeaves(files, state, progress) {
  const { head, keys, findings } = state;
  const period = state.report?.period ?? NO_PERIOD;
  const leaves = await readLeaves(files, findings, (share) => {
    progress("Checking each record and its link to the one before", 0.2 + 0.4 * share);
  });
  state.leaves = leaves;
  checkOpeningLeaf(leaves, head, keys, findings);
  checkGaps(leaves, period, findings);
  state.events = await checkEvents(leaves, findings);
  progress("Checking proofs", 0.6);
  return head ? checkProofs(files, leaves, head, period, findings) : new Map();
}

async function examinePositions(files, state, progress) {
  const positions = new Positions(state.leaves);
  // Each of the three files of evidence starts the stage anew: their work is known only then.
  await checkPositions(files, positions, state, (share) => {
    progress("Checking disclosed, empty and destroyed statements", 0.65 + 0.3 * share);
  });
  state.positions = positions;
  state.figures = checkFigures(files, state.report, positions, state.findings);
}

async function checkDemands(demands, checkpoints, proofs, state) {
  const { findings } = state;
  if (demands.since) await checkSince(demands.since, checkpoints, proofs, state);
  if (demands.require.includes("witness") && !state.witnessed) {
    findings.add("require.witness", "no witness of a policy from outside has signed");
  }
  if (demands.require.includes("timestamp")) {
    findings.add("require.timestamp", "this page cannot check a time-stamp token");
  }
}

/** Check that the log goes on from the checkpoint that the auditor kept. */
async function checkSince({ note, checkpoint }, checkpoints, proofs, state) {
  const { findings, head, keys, leaves, unchecked } = state;
  if (checkpoint.origin !== head.origin) {
    findings.add("since.origin", "the checkpoint kept is of another log");
    return;
  }
  const signed = new Findings();
  await checkSignatures("the checkpoint you kept", note, keys, signed, unchecked);
  if (signed.list.length) {
    findings.add("since.signature", signed.list[0].detail);
    return;
  }
  const root = await rootAt(checkpoint.size, head.size, checkpoints, proofs, leaves);
  if (!root) {
    findings.add("since.unproved", `no proof from size ${checkpoint.size} here`);
  } else if (!areEqual(root, checkpoint.root)) {
    findings.add("since.fork", `the log had another root at size ${checkpoint.size}`);
  }
}

/** Return the root that the log had at `size`, or null when the bundle does not show it. */
async function rootAt(size, headSize, checkpoints, proofs, leaves) {
  if (checkpoints.has(size)) return checkpoints.get(size);
  const proved = [...proofs.keys()].filter((index) => 0n < index && index <= size);
  if (!proved.length) return null;
  const start = proved.at(-1);
  for (let index = start; index < size; index++) if (!leaves.has(index)) return null;
  const edge = RightEdge.before(start, headSize, proofs.get(start).path);
  for (let index = start; index < size; index++) await edge.append(leaves.get(index).hash);
  return edge.root();
}

/** Return the verdict as plain values, which can leave the worker. */
function verdictOf(state) {
  const { findings, head, keys, figures, report, witnessed, stamps } = state;
  const grade = gradeOf(state);
  return {
    grade,
    headline: headlineOf(grade, state),
    restsOn: restsOn(state),
    witnessed,
    stamps,
    findings: findings.list,
    origin: head?.origin ?? null,
    size: head?.size ?? null,
    vkey: keys?.vkey ?? null,
    keysFromOutside: keys?.outside ?? false,
    period: report && !isEmptyPeriod(report.period) ? report.period : null,
    leaves: state.leaves.size,
    events: state.events.slice(0, MAX_SHOWN).map(tellEvent),
    eventsInAll: state.events.length,
    positions: state.positions.count(),
    figures,
    content: report && excerpt(report.content),
    openingsWithheld: state.withheld,
    unchecked: state.unchecked,
    notChecked: stamps ? [...NOT_CHECKED, TOKENS_NOT_CHECKED] : NOT_CHECKED,
  };
}

function gradeOf({ findings, head, keys, unchecked }) {
  if (findings.list.length || !head || !keys) return "refused";
  if (unchecked.length) return "incomplete";
  return keys.outside ? "authenticated" : "consistent";
}

/** Return line 1: whether all verifies, and who signed. */
function headlineOf(grade, { findings, head, keys }) {
  if (grade === "refused") return `REFUSED, FINDINGS: ${findings.list.length}`;
  const words = {
    authenticated: "AUTHENTICATED",
    consistent: "CONSISTENT, SIGNER NOT AUTHENTICATED",
    incomplete: "INCOMPLETE, A SIGNATURE COULD NOT BE CHECKED",
  };
  return `${words[grade]} ${head.origin} ${keys.vkey}`;
}

/** Return line 2: what time and completeness rest on. */
function restsOn({ witnessed }) {
  return witnessed ? `witnessed by ${witnessed.count} to ${witnessed.size}` : OPERATORS_WORD;
}
