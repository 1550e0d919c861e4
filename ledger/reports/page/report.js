// report.json: the period it speaks of, what it declares of positions, and its figures.

// The leaves [first, end), enclosed by checkpoints of sizes opened_by and closed_by. A report over
// single leaves has the empty period of four zeros.
const NO_PERIOD = { first: 0n, end: 0n, opened_by: 0n, closed_by: 0n };

// Of the content a page shows so many values, so deep, so long; the rest is in report.json.
const MAX_SHOWN = 1000;
const MAX_NESTING = 4;
const MAX_TEXT = 300;
const LEFT_OUT = "… (the rest stands in report.json)";

function isWithin(index, period) {
  return period.first <= index && index < period.end;
}

function isEmptyPeriod(period) {
  return Object.values(period).every((number) => number === 0n);
}

/** Read the report and check its period against the checkpoints at hand, given by size. */
async function readReport(files, head, checkpoints, findings) {
  const data = files.get(PATHS.report);
  const read = () => parseReport(data);
  const report = data ? await findings.attempt("report.malformed", PATHS.report, {}, read) : null;
  if (!report || !head) return report;
  if (report.origin !== head.origin) {
    findings.add("report.origin", `report is of ${report.origin}`, PATHS.report);
  }
  checkPeriod(report.period, head.size, checkpoints, findings);
  return report;
}

function parseReport(data) {
  const value = versioned(parseObject(data), {
    content: "object", figures: "list", origin: "text", period: "object", positions: "object",
  });
  const integers = { closed_by: "integer", end: "integer", first: "integer", opened_by: "integer" };
  const period = Object.entries(exact(value.period, integers)).map(([name, n]) => [name, natural(n)]);
  const { missing, opened } = exact(value.positions, { missing: "list", opened: "list" });
  return {
    content: value.content,
    figures: value.figures,
    origin: value.origin,
    period: Object.fromEntries(period),
    opened: parsePlaces(opened),
    missing: parsePlaces(missing),
  };
}

/** Return a copy of a JSON value with as much of it as people read; `room` counts down. */
function excerpt(value, room = { left: MAX_SHOWN }, depth = 0) {
  if (typeof value === "string") return value.slice(0, MAX_TEXT);
  if (value === null || typeof value !== "object") return value;
  const found = Array.isArray(value) ? [] : Object.create(null);
  for (const key in value) {
    const isLeftOut = depth === MAX_NESTING || --room.left < 0;
    found[key] = isLeftOut ? LEFT_OUT : excerpt(value[key], room, depth + 1);
    if (isLeftOut) break;
  }
  return found;
}

function parsePlaces(pairs) {
  const places = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Refused("a position is no pair of numbers");
    const place = { index: natural(pair[0]), position: natural(pair[1]) };
    if (comparePlaces(place, places.at(-1)) <= 0) throw new Refused("positions are out of order");
    places.push(place);
  }
  return places;
}

function checkPeriod(period, size, checkpoints, findings) {
  if (isEmptyPeriod(period)) return;
  const { first, end, opened_by: opened, closed_by: closed } = period;
  if (first >= end || end > size) {
    findings.add("period.bounds", `no such period in ${size} leaves`, PATHS.report);
    return;
  }
  const begins = opened ? checkpoints.has(opened) : first === 0n;
  if (!begins || !checkpoints.has(closed) || opened > first || end > closed) {
    const detail = `checkpoints ${opened} and ${closed} do not enclose the period`;
    findings.add("period.enclosure", detail, PATHS.report);
  }
}
