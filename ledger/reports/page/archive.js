// The strict ZIP profile: entries stored, sorted by name, contiguous from byte 0, each header
// field but names, sizes, CRCs and offsets a constant (field names: APPNOTE.TXT, section 4.3).

const MAX_ARCHIVE_SIZE = 256 * 2 ** 20;
const MAX_ENTRIES = 20_000;
const MAX_NAME = 120;
// Small JSON values take many times their bytes in memory.
const MAX_VALUES = 2 ** 24;
const LOCAL_MAGIC = 0x04034b50;
const CENTRAL_MAGIC = 0x02014b50;
const END_MAGIC = 0x06054b50;
const LOCAL_SIZE = 30;
const END_SIZE = 22;
// Version 2.0; made on Unix, a regular file, mode 0644; 1980-01-01 00:00:00, the format's zero.
const ZIP_VERSION = 20;
const MADE_BY = (3 << 8) | ZIP_VERSION;
const ATTRIBUTES = (0o100644 << 16) >>> 0;
const DATE = (1 << 5) | 1;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** The file is no ZIP file at all. */
class NotAnArchive extends Error {}

/** Return the files, contents by name, or null when the archive leaves the profile. */
function readArchive(data, findings) {
  if (!isArchive(data)) throw new NotAnArchive("file is no ZIP file");
  let entries;
  try {
    entries = readEntries(data);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    findings.add("archive.profile", error.message);
    return null;
  }
  for (const { name, crc, content } of entries) {
    if (crc32(content) !== crc) {
      findings.add("archive.crc", "bytes do not have the CRC of their header", name);
    }
  }
  return new Map(entries.map(({ name, content }) => [name, content]));
}

function isArchive(data) {
  if (hasMagic(data, 0, LOCAL_MAGIC)) return true;
  // As far back as the end record of any ZIP file can stand: its comment has a 16-bit length.
  const first = Math.max(0, data.length - END_SIZE - 65_535);
  for (let at = data.length - 4; at >= first; at--) {
    if (hasMagic(data, at, END_MAGIC)) return true;
  }
  return false;
}

function hasMagic(data, at, magic) {
  return at >= 0 && at + 4 <= data.length && viewOf(data).getUint32(at, true) === magic;
}

function viewOf(data) {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function readEntries(data) {
  if (data.length > MAX_ARCHIVE_SIZE) {
    throw new Refused(`archive is larger than ${MAX_ARCHIVE_SIZE} bytes`);
  }
  const entries = [];
  let offset = 0;
  while (hasMagic(data, offset, LOCAL_MAGIC) && entries.length <= MAX_ENTRIES) {
    const entry = readEntry(data, offset);
    entries.push(entry);
    offset = entry.end;
  }
  checkEntryNames(entries.map((entry) => entry.name));
  if (!areEqual(data.subarray(offset), directory(entries, offset))) {
    throw new Refused(`what follows the last file, at byte ${offset}, is not its directory`);
  }
  checkValues(entries);
  return entries;
}

/** Check that what JSON texts begin has room in memory; what stands in strings counts too. */
function checkValues(entries) {
  let count = 0;
  for (const { name, content } of entries) {
    if (!name.endsWith(".json") && !name.endsWith(".ndjson")) continue;
    for (const byte of content) {
      // A comma, a bracket, a brace.
      if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count++;
    }
  }
  if (count > MAX_VALUES) {
    throw new Refused(`JSON holds ${count} commas and brackets, at most ${MAX_VALUES}`);
  }
}

function readEntry(data, offset) {
  if (offset + LOCAL_SIZE > data.length) throw new Refused(`header at byte ${offset} is cut off`);
  const view = viewOf(data);
  const [crc, size] = [view.getUint32(offset + 14, true), view.getUint32(offset + 18, true)];
  const begin = offset + LOCAL_SIZE + view.getUint16(offset + 26, true);
  const name = String.fromCharCode(...data.subarray(offset + LOCAL_SIZE, Math.min(begin, data.length)));
  const entry = { name, crc, size, offset, end: begin + size };
  // encodeUtf8 writes two bytes for what is beyond ASCII, so that such a name never compares equal.
  if (!areEqual(data.subarray(offset, begin), localHeader(entry))) {
    throw new Refused(`header at byte ${offset} is not that of the profile`);
  }
  if (entry.end > data.length) throw new Refused(`file at byte ${begin} is cut off`);
  return { ...entry, content: data.subarray(begin, entry.end) };
}

function checkEntryNames(names) {
  let before = "";
  const folded = new Set();
  for (const name of names) {
    if (name.length > MAX_NAME || !NAME.test(name)) {
      throw new Refused(`entry ${folded.size} has a name outside the profile`);
    }
    if (name <= before) throw new Refused(`entry ${name} stands twice, or not in its place`);
    if (folded.has(name.toLowerCase())) {
      throw new Refused(`entry ${name} differs from another in case only`);
    }
    folded.add(name.toLowerCase());
    before = name;
    if (folded.size > MAX_ENTRIES) throw new Refused(`archive has over ${MAX_ENTRIES} entries`);
  }
}

function localHeader({ name, crc, size }) {
  const named = encodeUtf8(name);
  const fixed = pack(
    [4, LOCAL_MAGIC], [2, ZIP_VERSION], [2, 0], [2, 0], [2, 0], [2, DATE],
    [4, crc], [4, size], [4, size], [2, name.length], [2, 0],
  );
  return concat(fixed, named);
}

function centralHeader({ name, crc, size, offset }) {
  const fixed = pack(
    [4, CENTRAL_MAGIC], [2, MADE_BY], [2, ZIP_VERSION], [2, 0], [2, 0], [2, 0], [2, DATE],
    [4, crc], [4, size], [4, size], [2, name.length], [2, 0], [2, 0], [2, 0], [2, 0],
    [4, ATTRIBUTES], [4, offset],
  );
  return concat(fixed, encodeUtf8(name));
}

function directory(entries, offset) {
  const headers = concat(...entries.map(centralHeader));
  const count = entries.length;
  const end = pack(
    [4, END_MAGIC], [2, 0], [2, 0], [2, count], [2, count],
    [4, headers.length], [4, offset], [2, 0],
  );
  return concat(headers, end);
}

/** Write [bytes, number] pairs, least significant byte first. */
function pack(...fields) {
  const bytes = new Uint8Array(fields.reduce((size, [width]) => size + width, 0));
  let at = 0;
  for (const [width, number] of fields) {
    for (let byte = 0; byte < width; byte++) bytes[at++] = number >>> (8 * byte);
  }
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(data) {
  let value = ~0;
  for (let at = 0; at < data.length; at++) {
    value = CRC_TABLE[(value ^ data[at]) & 0xff] ^ (value >>> 8);
  }
  return ~value >>> 0;
}
