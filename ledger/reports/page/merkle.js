// The Merkle tree of RFC 9162, section 2.1. Indexes and sizes are BigInt: they go up to 2^63 - 1.

const HASH_SIZE = 32;

function leafHash(data) {
  return sha256(Uint8Array.of(0), data);
}

function nodeHash(left, right) {
  return sha256(Uint8Array.of(1), left, right);
}

function checkIndex(index, size) {
  if (index < 0n || index >= size) throw new Refused(`leaf index is ${index}, tree size is ${size}`);
}

/** Check that `leaf` is leaf `index` of the tree of `size` under `root` (section 2.1.3.2). */
async function verifyInclusion(leaf, index, size, path, root) {
  checkIndex(index, size);
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of path) {
    if (sn === 0n) throw new Refused(`path of ${path.length} is too long for leaf ${index} of ${size}`);
    if (fn & 1n || fn === sn) {
      r = await nodeHash(p, r);
      // The last node of an odd level has no sibling and rises unhashed: skip ahead.
      while (fn && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = await nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn) throw new Refused(`path of ${path.length} is too short for leaf ${index} of ${size}`);
  if (!areEqual(r, root)) throw new Refused(`path of leaf ${index} does not lead to the root of size ${size}`);
}

/** Check that the first tree is a prefix of the second (section 2.1.4.2); size 0 is refused. */
async function verifyConsistency(first, second, path, firstRoot, secondRoot) {
  if (first <= 0n || first > second) {
    throw new Refused(`no consistency proof leads from size ${first} to ${second}`);
  }
  if (first === second) {
    if (path.length || !areEqual(firstRoot, secondRoot)) {
      throw new Refused(`two trees of size ${first} are not the same`);
    }
    return;
  }
  const [fr, sr] = await consistentRoots(first, second, path, firstRoot);
  if (!areEqual(fr, firstRoot)) throw new Refused(`proof does not lead to the root of size ${first}`);
  if (!areEqual(sr, secondRoot)) throw new Refused(`proof does not lead to the root of size ${second}`);
}

async function consistentRoots(first, second, path, firstRoot) {
  if (!path.length) throw new Refused("consistency proof between different sizes is empty");
  const what = `proof of ${path.length} for ${first} to ${second}`;
  let [fn, sn] = [first - 1n, second - 1n];
  // A perfect first tree is itself a node of the second, so that the proof leaves it out.
  const [start, ...rest] = first & fn ? path : [firstRoot, ...path];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [start, start];
  for (const c of rest) {
    if (sn === 0n) throw new Refused(`${what} is too long`);
    if (fn & 1n || fn === sn) {
      [fr, sr] = [await nodeHash(c, fr), await nodeHash(c, sr)];
      while (fn && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = await nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn) throw new Refused(`${what} is too short`);
  return [fr, sr];
}

/**
 * Return the root that the leaves from `first` on and the paths of both ends lead to. Of the first
 * path only the left siblings count, of the last the right ones.
 */
async function rootFromRange(hashes, first, size, firstPath, lastPath) {
  let [lo, hi, width] = [first, first + BigInt(hashes.length) - 1n, size];
  checkIndex(lo, size);
  checkIndex(hi, size);
  const [left, right] = [[...firstPath].reverse(), [...lastPath].reverse()];
  let level = hashes;
  while (width > 1n) {
    const leftSibling = (lo ^ 1n) < width ? take(left) : null;
    const rightSibling = (hi ^ 1n) < width ? take(right) : null;
    if (lo & 1n) level = [leftSibling, ...level];
    if (!(hi & 1n) && rightSibling) level = [...level, rightSibling];
    level = await parents(level);
    [lo, hi, width] = [lo >> 1n, hi >> 1n, (width + 1n) >> 1n];
  }
  if (left.length || right.length) throw new Refused(`path is too long for a range in a tree of ${size}`);
  return level[0];
}

function take(path) {
  if (!path.length) throw new Refused("path is too short for the range");
  return path.pop();
}

async function parents(level) {
  const found = [];
  for (let at = 0; at + 1 < level.length; at += 2) found.push(await nodeHash(level[at], level[at + 1]));
  if (level.length % 2) found.push(level.at(-1));
  return found;
}

/** Return the subtrees [begin, end) whose roots are the inclusion path of `index`, leaf side first. */
function inclusionRanges(index, size) {
  let [begin, end] = [0n, size];
  const ranges = [];
  while (end - begin > 1n) {
    const middle = begin + largestPowerBelow(end - begin);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([begin, middle]);
      begin = middle;
    }
  }
  return ranges.reverse();
}

function largestPowerBelow(size) {
  return 1n << BigInt((size - 1n).toString(2).length - 1);
}

/** The roots of the perfect subtrees that a tree's size is the sum of, largest first. */
class RightEdge {
  constructor(size, peaks) {
    this.size = size;
    this.peaks = peaks;
  }

  /**
   * Return the edge of the tree that ends before a proved leaf: the left siblings on the path of
   * leaf n are the perfect subtrees that n leaves make up.
   */
  static before(index, size, path) {
    const ranges = inclusionRanges(index, size);
    const left = path.filter((_, at) => ranges[at][1] <= index);
    return new RightEdge(index, left.reverse());
  }

  async append(hash) {
    let [subtree, carry] = [hash, this.size];
    for (; carry & 1n; carry >>= 1n) subtree = await nodeHash(this.peaks.pop(), subtree);
    this.peaks.push(subtree);
    this.size += 1n;
  }

  async root() {
    let root = this.peaks.at(-1);
    for (const peak of this.peaks.slice(0, -1).reverse()) root = await nodeHash(peak, root);
    return root;
  }
}
