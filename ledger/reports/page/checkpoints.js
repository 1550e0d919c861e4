// The checkpoints: who signed them, and how each goes on from the earlier ones.

/** Read the bundle's own checkpoint, which every proof leads to; signatures are checked later. */
function readHead(files, findings) {
  const data = files.get(PATHS.checkpoint);
  return data ? readCheckpoint(PATHS.checkpoint, data, findings) : null;
}

function readCheckpoint(path, data, findings) {
  return findings.attempt("checkpoint.malformed", path, {}, () => {
    const note = parseNote(data);
    const checkpoint = parseCheckpoint(note.text);
    // The 0x06 signature does not cover extension lines, so that our logs have none.
    if (checkpoint.extensions.length) throw new Refused("checkpoint has extension lines");
    return { ...checkpoint, note };
  });
}

/**
 * Check that `note` carries a signature of both types by the log, and no failing one. Returns what
 * is signed by known keys, or null when that is not well. Adds to `unchecked` what this browser
 * has no means to check.
 */
async function checkSignatures(path, note, keys, findings, unchecked) {
  const known = new Set(keys.all.map(({ id }) => id));
  let found = [];
  if (note.signatures.some(({ id }) => known.has(id))) {
    found = await findings.attempt("signature.failed", path, {}, () => verifyNote(note, keys.all));
    if (!found) return null;
  }
  for (const { verifier, isChecked } of found) {
    if (!isChecked) unchecked.push({ type: TYPE_NAMES[verifier.type], path });
  }
  const ours = found.filter(({ verifier }) => keys.verifiers.includes(verifier));
  const signed = ours.map(({ verifier }) => verifier.type);
  const missing = LOG_TYPES.filter((type) => !signed.includes(type)).map((type) => TYPE_NAMES[type]);
  if (missing.length) {
    findings.add("signature.missing", `log did not sign with ${missing.join(" and ")}`, path);
  }
  return missing.length ? null : found;
}

/** Check the bundle's checkpoint against the policy; return what is signed, null if not well. */
async function checkHead({ note }, keys, findings, unchecked) {
  const found = await checkSignatures(PATHS.checkpoint, note, keys, findings, unchecked);
  if (!found) return null;
  const names = witnessesAmong(found, keys);
  // What this browser cannot check is no finding: it counts here, and stands in `unchecked`.
  if (!isQuorum(keys.policy, names)) {
    const detail = `${names.length} witnesses do not make the policy's quorum`;
    findings.add("policy.quorum", detail, PATHS.checkpoint);
  }
  return found;
}

function witnessesAmong(found, keys) {
  const signed = new Set(found.map(({ verifier }) => verifier));
  return keys.policy.witnesses.filter(({ verifier }) => signed.has(verifier)).map(({ name }) => name);
}

/**
 * Return {count, size} of the largest checkpoint that witnesses of a policy from outside have
 * signed, as far as this browser can check, or null. `signed` holds, by size, what is signed.
 */
function findWitnessed(signed, keys) {
  // Witnesses that only the bundle names are the operator's word again.
  if (!keys.outside) return null;
  const sizes = [...signed.keys()].sort((one, other) => (one > other ? -1 : 1));
  for (const size of sizes) {
    const checked = signed.get(size).filter(({ isChecked }) => isChecked);
    const names = witnessesAmong(checked, keys);
    if (names.length && isQuorum(keys.policy, names)) return { count: names.length, size };
  }
  return null;
}

/** Check that each time-stamp token is of a checkpoint in `good`; return how many there are. */
function checkStamps(files, good, findings) {
  const stamps = numbered(files, "timestamps");
  for (const [size, path] of stamps) {
    if (!good.has(size)) findings.add("timestamp.place", "no checkpoint of this size counts", path);
  }
  return stamps.length;
}

/**
 * Check the other checkpoints and the way from each to `head`; return the good roots by size, and
 * add to `signed`, by size, what is signed.
 */
async function checkEarlier(files, head, keys, signed, findings, unchecked) {
  const good = new Map([[head.size, head.root]]);
  for (const [size, path] of numbered(files, "checkpoints")) {
    const found = await readCheckpoint(path, files.get(path), findings);
    if (!found) continue;
    const by = keys && (await checkSignatures(path, found.note, keys, findings, unchecked));
    if (found.origin !== head.origin) {
      findings.add("checkpoint.origin", "checkpoint is of another log", path);
    } else if (found.size !== size) {
      findings.add("checkpoint.size", `size is ${found.size}`, path);
    } else if ((await goesOn(files, found, head, findings)) && !good.has(size)) {
      good.set(size, found.root);
      if (by) signed.set(size, by);
    }
  }
  for (const [size, path] of numbered(files, "consistency")) {
    if (!files.has(`checkpoints/${size}`)) {
      findings.add("checkpoint.missing", "proof is from no checkpoint", path);
    }
  }
  return good;
}

async function goesOn(files, first, second, findings) {
  const path = `consistency/${first.size}`;
  if (!files.has(path)) {
    findings.add("consistency.missing", `nothing leads on from size ${first.size}`, path);
    return false;
  }
  const read = () => parseConsistency(files.get(path));
  const way = await findings.attempt("consistency.malformed", path, {}, read);
  if (!way) return false;
  const holds = await findings.attempt("consistency.failed", path, {}, async () => {
    await verifyConsistency(first.size, second.size, way, first.root, second.root);
    return true;
  });
  return Boolean(holds);
}

/** Check that trust.json proposes no root that the auditor does not trust. */
async function checkTrust(files, outside, findings) {
  const data = files.get(PATHS.trust);
  const proposed = data && (await findings.attempt("trust.malformed", PATHS.trust, {}, () => parseTrust(data)));
  if (!proposed || !outside) return;
  const covers = (name) => proposed[name].every((root) => outside[name].includes(root));
  if (!covers("pades") || !covers("tsa")) {
    findings.add("trust.outside", "proposes a root that you do not trust", PATHS.trust);
  }
}

/** Return the PEM texts {pades, tsa} of a trust file's roots. */
function parseTrust(data) {
  const { pades, tsa } = versioned(parseObject(data), { pades: "list", tsa: "list" });
  if ([...pades, ...tsa].some((root) => typeof root !== "string")) {
    throw new Refused("wanted lists of PEM texts");
  }
  return { pades, tsa };
}
