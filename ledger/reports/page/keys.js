// Whether a checkpoint rests on keys that still counted, as the log's own records say.

const TAKEN_OUT_BY = [["log_key.compromised", "key.compromised"], ["log_key.rotated", "key.replaced"]];

/**
 * Check that no checkpoint rests on keys that a record in its own tree takes out of use: a rotation
 * those that it replaces, a compromise the key it names. Smaller checkpoints count.
 */
async function checkKeys(files, leaves, keys, origin, findings) {
  const ended = TAKEN_OUT_BY.map(([kind, code]) => [code, endedBy(kind, leaves, keys, origin)]);
  for (const [path, note] of await notesOf(files)) {
    const out = new Set();
    for (const [code, ends] of ended) {
      for (const [vkey, index] of ends) if (index < note.size) out.add(vkey);
      if (isWholeBy(note, keys, new Set()) && !isWholeBy(note, keys, out)) {
        findings.add(code, "its tree says that the keys that signed are out of use", path);
        break;
      }
    }
  }
}

/** Return the keys that records of `kind` take out of use, each with the first such leaf's index. */
function endedBy(kind, leaves, keys, origin) {
  const known = new Set(keys.verifiers.map(({ vkey }) => vkey));
  const ended = new Map();
  for (const leaf of leaves.values()) {
    if (leaf.kind !== kind || leaf.facts.origin !== origin) continue;
    for (const vkey of takenOut(leaf.facts)) {
      if (known.has(vkey) && !ended.has(vkey)) ended.set(vkey, leaf.index);
    }
  }
  return ended;
}

/** Return [path, {size, signatures}] of every well-formed checkpoint. */
async function notesOf(files) {
  const paths = [PATHS.checkpoint, ...numbered(files, "checkpoints").map(([, path]) => path)];
  const found = [];
  for (const path of [...paths, PATHS.manifestProof]) {
    // What is malformed was found where it is read.
    const silent = new Findings();
    const note = await silent.attempt("", path, {}, () => {
      const data = files.get(path);
      if (!data) return null;
      const read = path === PATHS.manifestProof ? parseProof(data).note : parseNote(data);
      return { size: parseCheckpoint(read.text).size, signatures: read.signatures };
    });
    if (note) found.push([path, note]);
  }
  return found;
}

function takenOut({ replaces, key }) {
  const named = replaces === undefined ? key : replaces;
  return (Array.isArray(named) ? named : [named]).map(String);
}

function isWholeBy({ signatures }, keys, out) {
  const there = new Set(signatures.map(({ id }) => id));
  const ours = keys.verifiers.filter(({ id, vkey }) => there.has(id) && !out.has(vkey));
  return LOG_TYPES.every((wanted) => ours.some(({ type }) => type === wanted));
}
