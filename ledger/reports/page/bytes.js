// Bytes and texts, strictly: one text for one byte string, and nothing repaired on the way.

/** Something in the bundle has not the one form it may have. Any other error is our own fault. */
class Refused extends Error {}

// ignoreBOM keeps a byte order mark as the character it is, so that no byte goes unseen.
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NO_BYTES = new Uint8Array(0);

function decodeUtf8(bytes, what) {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Refused(`${what} is not UTF-8`);
  }
}

function encodeUtf8(text) {
  return new TextEncoder().encode(text);
}

/** Return the bytes of a standard padded base64 text, or null when it is not exactly theirs. */
function fromBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  // atob takes spaces, missing padding and stray bits; the one text of these bytes has none.
  return btoa(binary) === text ? Uint8Array.from(binary, (char) => char.charCodeAt(0)) : null;
}

function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
}

function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compare byte by byte: below 0, 0 or above 0. */
function compareBytes(one, other) {
  const size = Math.min(one.length, other.length);
  for (let at = 0; at < size; at++) {
    if (one[at] !== other[at]) return one[at] - other[at];
  }
  return one.length - other.length;
}

function areEqual(one, other) {
  return one.length === other.length && compareBytes(one, other) === 0;
}

/** Compare by code points; JavaScript's own < compares UTF-16 units and sorts some texts otherwise. */
function compareText(one, other) {
  let at = 0;
  while (at < one.length && at < other.length && one[at] === other[at]) at++;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}

/** Return the 8 bytes of a BigInt, most significant first. */
function bigEndian(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number);
  return bytes;
}

async function sha256(...parts) {
  const data = parts.length === 1 ? parts[0] : concat(...parts);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

async function hmacSha256(key, data) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}
