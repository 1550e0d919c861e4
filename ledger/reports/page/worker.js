// The verifier works in a worker of its own, so that the page stays at hand whatever it is given.

const PROGRESS_EVERY_MS = 80;

self.onmessage = async ({ data: { bundle, policy, since, trust, require } }) => {
  try {
    const demands = {
      policy: policy && (await readInput(policy, "policy", parsePolicy)),
      since: since && (await readInput(since, "checkpoint you kept", parseKept)),
      trust: trust && (await readInput(trust, "trust file", parseTrust)),
      require,
    };
    // One byte more than is allowed is enough to see that there are too many.
    const data = await bytesOf(bundle, MAX_ARCHIVE_SIZE + 1);
    const verdict = await verifyBundle(data, demands, throttled(reportProgress));
    self.postMessage({ verdict: { ...verdict, digest: toHex(await sha256(data)) } });
  } catch (error) {
    const isTheirs = error instanceof Refused || error instanceof NotAnArchive;
    self.postMessage({ refusal: isTheirs ? error.message : null, failure: String(error) });
  }
};

async function bytesOf(file, most) {
  return new Uint8Array(await file.slice(0, most).arrayBuffer());
}

async function readInput(file, what, parse) {
  try {
    return await parse(await bytesOf(file, MAX_POLICY_SIZE + 1));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(`the ${what} (${file.name}) cannot be read: ${error.message}`);
  }
}

function parseKept(data) {
  const note = parseNote(data);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.size === 0n) throw new Refused("a checkpoint of size 0 proves nothing");
  return { note, checkpoint };
}

function reportProgress(stage, share) {
  self.postMessage({ stage, share });
}

/** Pass on a call only when the stage is new, or the last call is long enough ago. */
function throttled(report) {
  let [before, last] = ["", 0];
  return (stage, share) => {
    const now = performance.now();
    if (stage === before && now - last < PROGRESS_EVERY_MS) return;
    [before, last] = [stage, now];
    report(stage, share);
  };
}
