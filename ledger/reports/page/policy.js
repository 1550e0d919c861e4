// C2SP tlog-policy: which logs are believed, and how many witnesses must have seen them; and whose
// keys count for one bundle.

const MAX_POLICY_SIZE = 2 ** 20;
const MAX_POLICY_ENTRIES = 256;
const NO_QUORUM = "none";
const LOG_TYPES = [ED25519, MLDSA44];
const WITNESS_TYPES = [COSIGNATURE, MLDSA44];
const POLICY_CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/;

/** Return {logs, witnesses, groups, quorum} of a policy file. */
async function parsePolicy(data) {
  if (data.length > MAX_POLICY_SIZE) throw new Refused(`policy is longer than ${MAX_POLICY_SIZE} bytes`);
  const text = decodeUtf8(data, "policy");
  if (POLICY_CONTROL.test(text)) throw new Refused("policy holds a control character");
  const reader = new PolicyReader();
  for (const line of text.split("\n")) {
    // Only these two separate: other spaces of Unicode belong to names.
    const words = line.match(/[^ \t]+/g);
    if (words && !words[0].startsWith("#")) await reader.take(words);
  }
  return reader.policy();
}

class PolicyReader {
  constructor() {
    this.logs = [];
    this.witnesses = [];
    this.groups = [];
    this.quorum = null;
    this.names = new Set([NO_QUORUM]);
    this.members = new Set([NO_QUORUM]);
    this.keys = new Set();
  }

  take([word, ...words]) {
    switch (word) {
      case "log":
        return this.takeLog(words);
      case "witness":
        return this.takeWitness(words);
      case "group":
        return this.takeGroup(words);
      case "quorum":
        return this.takeQuorum(words);
      default:
        throw new Refused("policy line begins with none of log, witness, group, quorum");
    }
  }

  policy() {
    if (this.quorum === null) throw new Refused("policy names no quorum");
    const { logs, witnesses, groups, quorum } = this;
    return { logs, witnesses, groups, quorum };
  }

  async takeLog(words) {
    checkCount(words, 1, 2);
    addBounded(this.logs, await this.key(words[0], LOG_TYPES));
  }

  async takeWitness(words) {
    checkCount(words, 2, 3);
    this.name(words[0]);
    addBounded(this.witnesses, { name: words[0], verifier: await this.key(words[1], WITNESS_TYPES) });
  }

  takeGroup(words) {
    checkCount(words, 3, MAX_POLICY_ENTRIES);
    const [name, count, ...members] = words;
    if (!members.every((member) => this.names.has(member))) {
      throw new Refused("group names a member that no earlier line defines");
    }
    // One place for each name, so that a witness counts once and in one way.
    const isTaken = members.some((member) => this.members.has(member));
    if (isTaken || new Set(members).size !== members.length) {
      throw new Refused("group names none, or a member that already has a place in a group");
    }
    const threshold = readThreshold(count, members.length);
    if (threshold < 1n || threshold > members.length) throw new Refused("group's threshold cannot be met");
    this.name(name);
    for (const member of members) this.members.add(member);
    addBounded(this.groups, { name, threshold, members });
  }

  takeQuorum(words) {
    checkCount(words, 1, 1);
    if (this.quorum !== null) throw new Refused("policy names a quorum twice");
    if (!this.names.has(words[0])) throw new Refused("quorum names what no earlier line defines");
    [this.quorum] = words;
  }

  name(name) {
    if (this.names.has(name)) throw new Refused("name is used twice, or is none");
    this.names.add(name);
  }

  async key(vkey, types) {
    const verifier = await parseVerifier(vkey);
    if (!types.includes(verifier.type)) throw new Refused("key of this type cannot sign in this place");
    // The bytes alone: one key under two names is one signer, and no log is its own witness.
    const bytes = toHex(verifier.key);
    if (this.keys.has(bytes)) throw new Refused("key stands in the policy twice");
    this.keys.add(bytes);
    return verifier;
  }
}

function readThreshold(count, members) {
  if (count === "all") return BigInt(members);
  return count === "any" ? 1n : parseDecimal(count);
}

function checkCount(words, least, most) {
  if (words.length < least || words.length > most) throw new Refused("policy line has not its words");
}

function addBounded(entries, entry) {
  entries.push(entry);
  if (entries.length > MAX_POLICY_ENTRIES) throw new Refused("policy has too many lines of one kind");
}

/** Return whether the cosignatures of these witnesses, by policy name, make the quorum. */
function isQuorum(policy, witnesses) {
  if (policy.quorum === NO_QUORUM) return true;
  // Groups name earlier ones only, so that one pass in order decides each.
  const agreed = new Set(witnesses);
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => agreed.has(member)).length >= threshold) agreed.add(name);
  }
  return agreed.has(policy.quorum);
}

/** The keys that count for one origin; `outside` says that the auditor brought them. */
class Keys {
  constructor(origin, policy, outside) {
    this.policy = policy;
    this.outside = outside;
    this.verifiers = policy.logs.filter((verifier) => verifier.name === origin);
    this.types = new Map(this.verifiers.map(({ id, type }) => [id, type]));
  }

  /** Whether the policy has a key of both types: we want both signatures. */
  get isWhole() {
    const types = new Set(this.types.values());
    return LOG_TYPES.every((type) => types.has(type));
  }

  /** The Ed25519 key that goes before all others, as text. */
  get vkey() {
    return this.verifiers.find(({ type }) => type === ED25519).vkey;
  }

  get all() {
    return [...this.verifiers, ...this.policy.witnesses.map(({ verifier }) => verifier)];
  }
}

/** Return the keys that count: those from outside where they know the log, else the bundle's. */
async function chooseKeys(files, head, outside, findings) {
  const proposed = await readPolicy(files, findings);
  if (!head) return null;
  const { origin } = head;
  if (outside) {
    const keys = new Keys(origin, outside, true);
    if (keys.isWhole) return keys;
    findings.add("policy.outside", `policy from outside has not both keys of ${origin}`);
  }
  if (!proposed) return null;
  const keys = new Keys(origin, proposed, false);
  if (keys.isWhole) return keys;
  findings.add("policy.keys", `policy has not both keys of ${origin}`, PATHS.policy);
  return null;
}

async function readPolicy(files, findings) {
  const data = files.get(PATHS.policy);
  return data ? findings.attempt("policy.malformed", PATHS.policy, {}, () => parsePolicy(data)) : null;
}
