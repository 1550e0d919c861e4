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

/** Check the bundle's checkpoint against the policy; return the witnesses seen to have signed it. */
async function checkHead({ note }, keys, findings, unchecked) {
  const found = await checkSignatures(PATHS.checkpoint, note, keys, findings, unchecked);
  if (!found) return [];
  const signed = new Map(found.map(({ verifier, isChecked }) => [verifier, isChecked]));
  const witnesses = keys.policy.witnesses.filter(({ verifier }) => signed.has(verifier));
  // What this browser cannot check is no finding: it counts here, and stands in `unchecked`.
  if (!isQuorum(keys.policy, witnesses.map(({ name }) => name))) {
    const detail = `${witnesses.length} witnesses do not make the policy's quorum`;
    findings.add("policy.quorum", detail, PATHS.checkpoint);
  }
  return witnesses.filter(({ verifier }) => signed.get(verifier));
}

/** Check the other checkpoints and the way from each to `head`; return the good roots by size. */
async function checkEarlier(files, head, keys, findings, unchecked) {
  const good = new Map([[head.size, head.root]]);
  for (const [size, path] of numbered(files, "checkpoints")) {
    const found = await readCheckpoint(path, files.get(path), findings);
    if (!found) continue;
    if (keys) await checkSignatures(path, found.note, keys, findings, unchecked);
    if (found.origin !== head.origin) {
      findings.add("checkpoint.origin", "checkpoint is of another log", path);
    } else if (found.size !== size) {
      findings.add("checkpoint.size", `size is ${found.size}`, path);
    } else if ((await goesOn(files, found, head, findings)) && !good.has(size)) {
      good.set(size, found.root);
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
  const roots = data && (await findings.attempt("trust.malformed", PATHS.trust, {}, () => parseTrust(data)));
  if (roots && outside && !roots.every((root) => outside.includes(root))) {
    findings.add("trust.outside", "proposes a root that you do not trust", PATHS.trust);
  }
}

/** Return the PEM texts of all roots of a trust file. */
function parseTrust(data) {
  const value = exact(parseObject(data), { pades: "list", tsa: "list", v: "integer" });
  checkVersion(value);
  const roots = [...value.pades, ...value.tsa];
  if (roots.some((root) => typeof root !== "string")) throw new Refused("wanted lists of PEM texts");
  return roots;
}
