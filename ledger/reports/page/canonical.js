// Canonical JSON (RFC 8785) of the ledger's subset: no floats, no integer beyond 2^53 - 1, keys
// [a-z][a-z0-9_]*, at most 16 containers inside each other, one byte string for each value.

const MAX_DEPTH = 16;
const KEY = /^[a-z][a-z0-9_]*$/;

/** Return the value of canonical JSON bytes. Objects have no prototype, numbers are integers. */
function parseJson(bytes) {
  const text = decodeUtf8(bytes, "JSON");
  const reader = new JsonReader(text);
  const value = reader.value(MAX_DEPTH);
  // Comparing afterwards closes what the reader lets pass: a key twice, order, escapes, -0.
  if (reader.at !== text.length || canonical(value) !== text) {
    throw new Refused("JSON is not in canonical form");
  }
  return value;
}

function parseObject(bytes) {
  const value = parseJson(bytes);
  if (typeOf(value) !== "object") throw new Refused(`JSON is ${typeOf(value)}, wanted object`);
  return value;
}

/** Return the canonical text of a value that parseJson gave, or of an object made of such. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") {
    return typeof value === "number" ? String(value) : JSON.stringify(value);
  }
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `"${key}":${canonical(value[key])}`).join(",")}}`;
}

/** Return integer, text, boolean, null, list or object. */
function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return { number: "integer", string: "text" }[typeof value] ?? typeof value;
}

/** Reads one value after the other; refuses at the first character that cannot be. */
class JsonReader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.list(depth);
      case '"':
        return this.string();
      default:
        return this.word();
    }
  }

  object(depth) {
    const found = Object.create(null);
    this.items(depth, "}", () => {
      const key = this.string();
      if (!KEY.test(key)) throw new Refused("key does not match [a-z][a-z0-9_]*");
      if (this.text[this.at++] !== ":") throw new Refused("not JSON: a key without a value");
      found[key] = this.value(depth - 1);
    });
    return found;
  }

  list(depth) {
    const found = [];
    this.items(depth, "]", () => found.push(this.value(depth - 1)));
    return found;
  }

  items(depth, end, take) {
    if (depth === 0) throw new Refused(`more than ${MAX_DEPTH} containers inside each other`);
    this.at++;
    if (this.text[this.at] === end) {
      this.at++;
      return;
    }
    for (;;) {
      take();
      const next = this.text[this.at++];
      if (next === end) return;
      if (next !== ",") throw new Refused(`not JSON: character ${this.at} cannot stand there`);
    }
  }

  string() {
    if (this.text[this.at] !== '"') throw new Refused("not JSON: no text where one is wanted");
    const begin = this.at;
    this.at = closingQuote(this.text, begin + 1) + 1;
    const found = readString(this.text.slice(begin, this.at));
    // A lone surrogate has no UTF-8, and so no canonical form, but an escape can write it.
    if (!found.isWellFormed()) throw new Refused("a text holds a lone surrogate");
    return found;
  }

  word() {
    for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.integer();
  }

  integer() {
    // Bounded, so that no run of digits costs more than it may hold.
    const match = /^-?(?:0|[1-9][0-9]{0,16})/.exec(this.text.slice(this.at, this.at + 20));
    if (!match) throw new Refused(`not JSON: character ${this.at + 1} begins no value`);
    this.at += match[0].length;
    const number = Number(match[0]);
    if (!Number.isSafeInteger(number)) throw new Refused("integer lies beyond 2^53 - 1");
    return number;
  }
}

function closingQuote(text, from) {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return at;
  }
  throw new Refused("not JSON: a text without an end");
}

function readString(token) {
  try {
    return JSON.parse(token);
  } catch {
    throw new Refused("not JSON: a text with a wrong escape, or a control character");
  }
}
