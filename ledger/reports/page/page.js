// The page around the verifier: takes files, starts the worker, shows what it found.

const byId = (id) => document.getElementById(id);
const [form, result, progress] = [byId("form"), byId("result"), byId("progress")];
const source = new Blob([byId("verifier").textContent], { type: "text/javascript" });
const STATUSES = ["opened", "withheld", "destroyed", "padding", "missing"];
let bundle = null;
let chosen = null;
let worker = null;

form.addEventListener("change", ({ target }) => {
  if (target.id === "bundle") [bundle = null] = target.files;
  start();
});
form.addEventListener("submit", (event) => event.preventDefault());
byId("cancel").addEventListener("click", () => {
  stop();
  say("Stopped. Nothing has been established.");
});

// The whole window takes the drop: a file let go beside the frame would else replace the page.
window.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("drop").classList.add("over");
});
window.addEventListener("dragleave", () => byId("drop").classList.remove("over"));
window.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (!file || event.target.matches?.('.field input[type="file"]')) return;
  bundle = file;
  start();
});

/** Verify the bundle under what else is chosen; a check that still runs is dropped. */
function start() {
  stop();
  result.replaceChildren();
  byId("chosen").textContent = bundle ? `${bundle.name} (${inBytes(bundle.size)})` : "";
  if (!bundle) return;
  result.dataset.state = "busy";
  progress.hidden = false;
  say("Checking the bundle.");
  const url = URL.createObjectURL(source);
  worker = new Worker(url);
  URL.revokeObjectURL(url);
  worker.onmessage = ({ data }) => take(data);
  worker.onerror = () => take({ refusal: null, failure: "the check ended early, perhaps for want of memory" });
  chosen = { bundle, ...demands() };
  worker.postMessage(chosen);
}

function demands() {
  const [policy, since, trust] = ["policy", "since", "trust"].map((id) => byId(id).files[0] ?? null);
  const require = new FormData(form).getAll("require");
  return { policy, since, trust, require };
}

function stop() {
  worker?.terminate();
  worker = null;
  progress.hidden = true;
  delete result.dataset.state;
}

function take({ stage, share, verdict, refusal, failure }) {
  if (stage) {
    byId("stage").textContent = stage;
    byId("bar").value = share;
    return;
  }
  stop();
  if (verdict) show([...drawVerdict(verdict, chosen), drawActions(verdict)]);
  else if (refusal) show(drawUnread("This could not be checked", `Nothing has been established: ${plain(refusal)}.`));
  else show(drawUnread("The check itself failed", `This says nothing about the bundle. Please use muniment-verify. (${plain(failure)})`));
}

function show(parts) {
  result.replaceChildren(...parts);
  result.dataset.state = "done";
  say(result.querySelector("h2").textContent);
  result.scrollIntoView({ block: "start" });
}

function say(words) {
  byId("live").textContent = words;
}

function drawActions(verdict) {
  const print = make("button", { type: "button" }, "Print");
  print.addEventListener("click", () => window.print());
  const save = make("button", { type: "button" }, "Save as JSON");
  save.addEventListener("click", () => download(verdict));
  return make("div", { class: "actions" }, print, save);
}

function download(verdict) {
  const text = JSON.stringify(verdict, (_, value) => (typeof value === "bigint" ? Number(value) : value), 2);
  const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href, download: "verdict.json" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

function inBytes(size) {
  if (size < 1000) return `${size} bytes`;
  const [number, unit] = size < 1e6 ? [size / 1e3, "kB"] : [size / 1e6, "MB"];
  return `${number.toFixed(1)} ${unit}`;
}
