// The verdict as a page. All text goes in as text: nothing in a bundle is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";
const MAX_PATH_SHOWN = 300;
const ICONS = {
  authenticated: "M24 4 42 10v14c0 10-7 17-18 20C13 41 6 34 6 24V10ZM15 24l7 7 12-14",
  consistent: "M24 5a19 19 0 1 0 0 38a19 19 0 1 0 0-38M17 19a7 7 0 1 1 10 6c-2 1-3 2-3 5M24 35.5v.5",
  incomplete: "M24 6 44 41H4ZM24 18v12M24 35.5v.5",
  refused: "M16 5h16l11 11v16L32 43H16L5 32V16ZM16 16l16 16M32 16 16 32",
};
ICONS.unread = ICONS.incomplete;

/** Make an element; attributes given as null are left out, children may be texts. */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return all parts of the page that shows a verdict. */
function drawVerdict(verdict, chosen) {
  return [
    drawHead(verdict.grade, GRADES[verdict.grade], drawLines(verdict), drawChosen(verdict, chosen)),
    drawFindings(verdict),
    drawGrounds(verdict),
    drawContent(verdict),
    drawPositions(verdict),
    drawEvents(verdict),
    drawFigures(verdict),
  ].filter(Boolean);
}

/** Return the part that says that a file could not be checked at all. */
function drawUnread(title, text) {
  return [drawHead("unread", { title, text })];
}

function drawHead(grade, { title, text }, ...more) {
  const path = makeSvg("path", {
    d: ICONS[grade], fill: "none", stroke: "currentColor", "stroke-width": "4",
    "stroke-linecap": "round", "stroke-linejoin": "round",
  });
  const icon = makeSvg("svg", { viewBox: "0 0 48 48", "aria-hidden": "true" }, path);
  const head = make("div", { class: "verdict-head" }, icon, make("h2", {}, title));
  const attributes = { class: `card verdict ${grade}`, "data-grade": grade };
  return make("div", attributes, head, make("p", {}, text), ...more);
}

function drawLines({ headline, restsOn }) {
  return make(
    "div",
    { class: "lines" },
    make("p", { class: "note" }, "Line 1 says who signed, line 2 what time and completeness rest on:"),
    make("code", { id: "line-1" }, plain(headline)),
    make("code", { id: "line-2" }, plain(restsOn)),
  );
}

/** Return what was checked, against what and when, so that a printed page can stand alone. */
function drawChosen({ digest }, { bundle, policy, since, trust }) {
  const terms = [
    ["File", `${bundle.name}, ${bundle.size} bytes`],
    ["SHA-256", make("code", {}, digest)],
    ["Your policy", policy?.name ?? "none"],
    ["Your checkpoint", since?.name],
    ["Your trust file", trust?.name],
    ["Checked", `${new Date().toLocaleString("en-GB", { dateStyle: "long", timeStyle: "long" })}, by this computer's clock`],
  ].filter(([, value]) => value);
  return make("div", { class: "chosen-files" }, drawTerms(terms));
}

function card(title, ...children) {
  return make("section", { class: "card" }, make("h3", {}, title), ...children);
}

function list(items) {
  return make("ul", {}, ...items.map((item) => make("li", {}, plain(item))));
}

function drawFindings({ findings }) {
  if (!findings.length) return null;
  const title = findings.length === 1 ? "One thing does not verify" : `${findings.length} things do not verify`;
  const isCut = findings.length >= 1000;
  const note = isCut ? make("p", {}, "The check ended here: a bundle with so much wrong is not looked at further.") : null;
  return card(title, make("ol", { class: "findings" }, ...findings.map(drawFinding)), note);
}

function drawFinding(finding) {
  const { code, detail, line, index, position, kind } = finding;
  // A manifest can list a name of any length.
  const path = finding.path?.slice(0, MAX_PATH_SHOWN) ?? null;
  const place = placeInWords({ ...finding, path });
  const attributes = {
    "data-code": code, "data-path": path, "data-line": line,
    "data-index": index, "data-position": position, "data-kind": kind,
  };
  return make(
    "li",
    attributes,
    make("span", { class: "said" }, FINDING_WORDS[code] ?? code),
    place ? make("span", { class: "place" }, `Where: ${plain(place)}`) : null,
    make("span", { class: "detail" }, make("code", {}, code), ` ${plain(detail)}`),
  );
}

function drawGrounds(verdict) {
  const { unchecked, notChecked, openingsWithheld } = verdict;
  return make(
    "section",
    { class: "card" },
    make("h3", {}, "What this rests on"),
    list(groundsInWords(verdict)),
    make("h3", {}, "What was not checked"),
    make("div", { id: "not-checked" }, list([...uncheckedInWords(unchecked), ...notChecked])),
    openingsWithheld
      ? make("p", {}, "The folder disclosed/ was taken out of this bundle. What it disclosed counts as withheld.")
      : null,
  );
}

function drawPositions({ positions, leaves }) {
  if (!leaves) return null;
  const total = STATUSES.reduce((sum, status) => sum + positions[status], 0);
  const rows = STATUSES.map((status) => {
    const swatch = make("span", { class: `swatch ${status}`, "aria-hidden": "true" });
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, swatch, status),
      make("td", { class: "number", "data-status": status }, String(positions[status])),
      make("td", {}, STATUS_WORDS[status]),
    );
  });
  const table = drawTable(["Status", "Count", "What that means"], rows);
  const note = "A record holds personal and confidential things back as sealed statements. Each of them is one of these:";
  const bar = total ? drawBar(positions, total) : null;
  return card(total === 1 ? "1 sealed statement" : `${total} sealed statements`, make("p", { class: "note" }, note), bar, table);
}

function drawEvents({ events, eventsInAll }) {
  if (!eventsInAll) return null;
  const title = eventsInAll === 1 ? "1 event told by several records" : `${eventsInAll} events told by several records`;
  const note = "An event that concerns many people is told by several records, its parts. A bundle holds those in its span; that others lie outside it is no fault.";
  const rest = eventsInAll > events.length ? make("p", {}, `The first ${events.length} are shown.`) : null;
  const table = drawTable(["First record here", "Parts"], events.map(drawEvent));
  return card(title, make("p", { class: "note" }, note), table, rest);
}

function drawEvent({ index, kind, parts, here, missing, outside }) {
  const said = [[here, "here"], [missing, "missing"], [outside, "outside this bundle"]];
  const words = said.filter(([spans]) => spans).map(([spans, where]) => `${spans} ${where}`).join("; ");
  const data = {
    "data-event": index, "data-event-kind": kind, "data-parts": parts,
    "data-here": here, "data-missing": missing, "data-outside": outside,
  };
  return make(
    "tr",
    data,
    make("th", { scope: "row" }, `record ${index} (${kind})`),
    make("td", { class: missing ? "differs" : null }, `of ${parts}: ${words}`),
  );
}

function drawBar(positions, total) {
  const shown = STATUSES.filter((status) => positions[status]);
  const label = shown.map((status) => `${positions[status]} ${status}`).join(", ");
  let x = 0;
  const parts = shown.map((status) => {
    const width = (positions[status] / total) * 1000;
    const part = makeSvg("rect", { class: status, x, y: 0, width: Math.max(width - 3, 2), height: 40 });
    x += width;
    return part;
  });
  const attributes = { class: "bar", viewBox: "0 0 1000 40", preserveAspectRatio: "none", role: "img" };
  return makeSvg("svg", { ...attributes, "aria-label": label }, ...parts);
}

function drawTable(heads, rows) {
  const cells = heads.map((head) => {
    return make("th", { scope: "col", class: ["Count", "Value"].includes(head) ? "number" : null }, head);
  });
  return make("table", {}, make("thead", {}, make("tr", {}, ...cells)), make("tbody", {}, ...rows));
}

function drawFigures({ figures }) {
  if (!figures.length) return null;
  const rows = figures.map(({ label, value, computed, agrees }) =>
    make(
      "tr",
      { "data-agrees": agrees },
      make("th", { scope: "row" }, make("bdi", {}, label)),
      make("td", { class: /^-?[0-9]+$/.test(value) ? "number" : "text-value" }, make("bdi", {}, value)),
      agrees ? make("td", {}, "✓ the same") : make("td", { class: "differs" }, `✗ the records give ${computed}`),
    ),
  );
  const note = "This page computed each figure again from the records in the bundle.";
  const heads = ["Figure", "Value", "Computed again"];
  return card("Figures of the report", make("p", { class: "note" }, note), drawTable(heads, rows));
}

function drawContent({ content, period, leaves, size, grade, origin }) {
  if (!content) return null;
  const facts = [
    ["Log", origin && plain(origin)],
    ["Records in this bundle", size === null ? String(leaves) : `${leaves} of ${size}`],
    ["Period of the report", period && `records ${period.first} to ${period.end - 1n}`],
  ].filter(([, value]) => value);
  const note = grade === "refused" ? make("p", { class: "differs" }, "The bundle does not verify: do not rely on what is said here.") : null;
  const terms = [...Object.entries(content ?? {}).map(([key, value]) => [inWords(key), drawValue(value)]), ...facts];
  return card("What the report says of itself", note, drawTerms(terms));
}

function drawTerms(terms) {
  return make("dl", {}, ...terms.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]));
}

function inWords(key) {
  return key[0].toUpperCase() + key.slice(1).replaceAll("_", " ");
}

/** Draw a JSON value; the verifier has cut it to what people read. */
function drawValue(value) {
  if (value === null) return "none";
  if (typeof value !== "object") return make("bdi", {}, String(value));
  if (Array.isArray(value)) return make("ul", {}, ...value.map((item) => make("li", {}, drawValue(item))));
  return drawTerms(Object.entries(value).map(([key, item]) => [inWords(key), drawValue(item)]));
}
