// What a verification may find: a stable code and a place. Code, path, line, index, position and
// kind are those that muniment-verify gives, in the same order; the words may differ.

const MAX_FINDINGS = 1000;
const MAX_DETAIL = 300;

/** A bundle has so much wrong with it that nothing is gained by looking on. */
class TooManyFindings extends Error {}

class Findings {
  constructor() {
    this.list = [];
  }

  /** Note one finding; `place` may hold line, index, position and kind. */
  add(code, detail, path = null, place = {}) {
    const { line = null, index = null, position = null, kind = null } = place;
    this.list.push({ code, detail: detail.slice(0, MAX_DETAIL), path, line, index, position, kind });
    if (this.list.length >= MAX_FINDINGS) throw new TooManyFindings();
  }

  /** Return what `read` gives; when it refuses, note that and return null. */
  async attempt(code, path, place, read) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.add(code, error.message, path, place);
      return null;
    }
  }
}
