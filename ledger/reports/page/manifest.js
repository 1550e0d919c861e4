// The manifest: which files there are, and the record in the log that vouches for it.

const REPORT_ISSUED = "report.issued";

/** Compare the files with the manifest; return whether the folder disclosed/ was taken out. */
async function checkFiles(files, findings) {
  for (const path of files.keys()) {
    if (!isKnown(path)) findings.add("file.unknown", "no bundle has a file of this name", path);
  }
  const listed = await readManifest(files, findings);
  const withheld =
    DISCLOSED.some((path) => listed?.has(path)) && !DISCLOSED.some((path) => files.has(path));
  const expected = new Set([...REQUIRED, ...(listed?.keys() ?? [])]);
  for (const path of [...expected].sort(compareText)) {
    if (!files.has(path) && !(withheld && DISCLOSED.includes(path))) {
      findings.add("file.missing", "file is not in the bundle", path);
    }
  }
  if (listed) await compareFiles(files, listed, findings);
  return withheld;
}

async function compareFiles(files, listed, findings) {
  for (const [path, content] of files) {
    if (UNLISTED.has(path)) continue;
    const entry = listed.get(path);
    if (!entry) {
      findings.add("file.unlisted", "file is not in the manifest", path);
    } else if (content.length !== entry.size || toHex(await sha256(content)) !== entry.sha256) {
      findings.add("file.altered", "bytes are not those the manifest lists", path);
    }
  }
}

async function readManifest(files, findings) {
  const data = files.get(PATHS.manifest);
  const read = () => parseManifest(data);
  return data ? findings.attempt("manifest.malformed", PATHS.manifest, {}, read) : null;
}

function parseManifest(data) {
  const value = versioned(parseObject(data), { files: "list", salt: "text" });
  binary(value.salt);
  const listed = new Map();
  let before = "";
  for (const entry of value.files) {
    const { path, sha256: digest, size } = exact(entry, { path: "text", sha256: "text", size: "integer" });
    if (compareText(path, before) <= 0 || UNLISTED.has(path) || !/^[0-9a-f]{64}$/.test(digest)) {
      throw new Refused(`entry ${listed.size} is out of order, or is none`);
    }
    natural(size);
    listed.set(path, { size, sha256: digest });
    before = path;
  }
  return listed;
}

/**
 * Check the record report.issued and the way from the bundle's checkpoint to its own; return that
 * later checkpoint when it goes on from `head`.
 */
async function checkIssue(files, keys, head, findings, unchecked) {
  const leaf = await issuingLeaf(files, head, findings);
  const proof = await issuingProof(files, findings);
  if (!proof) return null;
  const later = await issuingCheckpoint(proof, keys, findings, unchecked);
  if (leaf) {
    await findings.attempt("manifest.proof", PATHS.manifestProof, { index: leaf.index }, async () => {
      if (proof.index !== leaf.index) throw new Refused(`proof is of leaf ${proof.index}`);
      await verifyProof(proof, leaf.hash);
    });
  }
  return later && head && (await leadsOn(files, head, later, findings)) ? later : null;
}

async function issuingLeaf(files, head, findings) {
  const path = PATHS.manifestLeaf;
  if (!files.has(path)) return null;
  const leaf = await findings.attempt("manifest.leaf", path, {}, () => parseLeaf(files.get(path)));
  if (!leaf) return null;
  const { index, kind } = leaf;
  if (kind !== REPORT_ISSUED) {
    findings.add("manifest.leaf", `record is no ${REPORT_ISSUED}`, path, { index, kind });
  } else if (files.has(PATHS.manifest)) {
    const digest = `sha256:${toHex(await sha256(files.get(PATHS.manifest)))}`;
    if (leaf.facts.manifest !== digest) {
      findings.add("manifest.digest", "record holds another manifest's digest", path, { index, kind });
    }
  }
  if (head && index < head.size) {
    findings.add("manifest.early", `report was issued before size ${head.size}`, path, { index, kind });
  }
  return leaf;
}

async function issuingProof(files, findings) {
  const path = PATHS.manifestProof;
  if (!files.has(path)) return null;
  return findings.attempt("manifest.proof", path, {}, () => {
    const proof = parseProof(files.get(path));
    if (proof.hasExtra) throw new Refused("proof carries an extra line");
    return proof;
  });
}

/** Return the proof's checkpoint, which carries exactly the log's two signatures. */
async function issuingCheckpoint(proof, keys, findings, unchecked) {
  const path = PATHS.manifestProof;
  const read = () => parseCheckpoint(proof.note.text);
  const checkpoint = await findings.attempt("manifest.checkpoint", path, {}, read);
  if (!checkpoint || !keys) return checkpoint;
  // Nothing else vouches for these bytes: one signature more could be changed unseen.
  const types = proof.note.signatures.map(({ id }) => keys.types.get(id));
  const hasBoth = types.length === 2 && types[0] === ED25519 && types[1] === MLDSA44;
  if (!hasBoth || checkpoint.extensions.length) {
    findings.add("manifest.checkpoint", "checkpoint has not the two signatures only", path);
  }
  await checkSignatures(path, proof.note, keys, findings, unchecked);
  return checkpoint;
}

async function leadsOn(files, head, later, findings) {
  const path = PATHS.manifestConsistency;
  if (!files.has(path)) return false;
  const holds = await findings.attempt("manifest.consistency", path, {}, async () => {
    if (later.origin !== head.origin) throw new Refused("the two checkpoints are of two logs");
    const way = parseConsistency(files.get(path));
    await verifyConsistency(head.size, later.size, way, head.root, later.root);
    return true;
  });
  return Boolean(holds);
}
