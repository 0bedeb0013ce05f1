// Keeps an open page in step with what happens: told by events, or by asking where no events get through.
// It fetches the page's own address again and morphs what differs. What a person has typed, ticked, opened or selected
// stays, by what it is and not by where it stands: a row that comes in between takes over nobody's tick.

const GATHER = 300; // ms that events are gathered
const BETWEEN = 1000; // ms between two looks, at least
const PATIENCE = 15_000; // ms that an answer may take
const HELD = 5000; // ms that a pointer or a composition may hold the page still
const ASK = { visible: 10_000, hidden: 30_000, told: 60_000 }; // ms between questions; told: beside a stream
const AGAIN = 60_000; // ms until a refused stream is tried again
const REGIONS = ["live", "places"];

const watched = new Set(document.body.dataset.watch.split(" ").filter(Boolean));
let page = document.body.dataset.page ?? location.pathname + location.search;
let stream = null;
let told = false; // whether a stream is open
let retryAt = 0;
let tag = null;
let looking = false;
let lookedAt = 0;
let failures = 0;
let timer = 0;
let heldUntil = 0; // a pointer is down, or a word is being composed: nothing moves under it
let again = false;
let over = false;

// ---- what a person did, before and after

const CONTROLS = "input:not([type=hidden]):not([type=submit]):not([type=button]), textarea, select";
const FOCUSABLE = `a[href], button, summary, [tabindex], ${CONTROLS}`;

const isTickable = (control) => control.type === "checkbox" || control.type === "radio";

function nameOf(element) {
  if (element.id) return `#${element.id}`;
  const own = (attribute) => element.getAttribute(attribute) ?? "";
  const form = element.form?.getAttribute("action") ?? "";
  const said = element.matches("summary, button, details, a") ? wordsOf(element) : "";
  const value = element.matches("input") && !isTickable(element) ? "" : own("value");
  return [element.tagName, own("type"), form, own("name"), value, own("href"), own("aria-label"), said].join("\n");
}

function wordsOf(element) {
  const words = element.tagName === "DETAILS" ? element.querySelector("summary") : element;
  return words?.textContent.trim() ?? "";
}

// by name; those of the same name by their order
function named(root, selector) {
  const counts = new Map();
  const found = new Map();
  for (const element of root.querySelectorAll(selector)) {
    const name = nameOf(element);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    found.set(`${name}\n${count}`, element);
  }
  return found;
}

const keyOf = (elements, wanted) => [...elements].find(([, element]) => element === wanted)?.[0];

function isTouched(control) {
  if (isTickable(control)) return control.checked !== control.defaultChecked;
  if (control.tagName !== "SELECT") return control.value !== control.defaultValue;
  return [...control.options].some((option) => option.selected !== option.defaultSelected);
}

// the ticks of all boxes: a tick is somebody's choice, also where the page came with it
const touched = (region) => new Map([...named(region, CONTROLS)]
  .filter(([, control]) => control.type === "checkbox" || isTouched(control))
  .map(([key, control]) => [key, isTickable(control) ? control.checked : control.value]));

// what was not typed or ticked by a person is as the server says, also where a control was morphed out of another; but
// nobody has chosen a box that has just come
function putBack(region, before) {
  for (const [key, control] of named(region, CONTROLS)) {
    const kept = before.get(key);
    if (isTickable(control)) {
      const wanted = kept ?? (control.type === "radio" && control.defaultChecked);
      if (control.checked !== wanted) control.checked = wanted;
    } else if (control.tagName === "SELECT") {
      if (kept !== undefined && control.value !== kept) control.value = kept;
    } else if (control.type !== "file" && control.value !== (kept ?? control.defaultValue)) {
      control.value = kept ?? control.defaultValue;
    }
  }
}

// into what comes, before it is compared: a fold that stays open is then the same on both sides
function keepFolds(region, fresh) {
  const coming = named(fresh, "details");
  for (const [key, fold] of named(region, "details")) {
    coming.get(key)?.toggleAttribute("open", fold.open);
  }
}

function focusIn(region) {
  const element = document.activeElement;
  if (!element || element === document.body || !region.contains(element)) return null;
  const key = keyOf(named(region, FOCUSABLE), element);
  return { element, key, start: element.selectionStart, end: element.selectionEnd, top: topOf(element) };
}

const topOf = (element) => element.getBoundingClientRect().top;

function putFocusBack(region, focus) {
  if (!focus) return;
  const element = region.contains(focus.element) ? focus.element : named(region, FOCUSABLE).get(focus.key);
  if (!element) return;
  if (document.activeElement !== element) element.focus({ preventScroll: true });
  // a value that is set again, be it the same, moves the cursor to its end
  if (focus.start !== null && focus.start !== undefined) element.setSelectionRange(focus.start, focus.end);
  // where somebody types stays under their eyes, whatever comes in above
  window.scrollBy({ top: topOf(document.activeElement) - focus.top, behavior: "instant" });
}

// ---- one look

function renew(region, fresh) {
  const before = touched(region);
  const focus = focusIn(region);
  keepFolds(region, fresh);
  window.Idiomorph.morph(region, [...fresh.childNodes], { morphStyle: "innerHTML" });
  putBack(region, before);
  putFocusBack(region, focus);
}

function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  if (!fresh.getElementById("live")) return;
  for (const id of REGIONS) {
    const [region, coming] = [document.getElementById(id), fresh.getElementById(id)];
    if (region && coming) renew(region, coming);
  }
  if (document.title !== fresh.title) document.title = fresh.title;
  const [icon, coming] = [document, fresh].map((each) => each.querySelector("link[rel=icon]"));
  if (icon && coming && icon.getAttribute("href") !== coming.getAttribute("href")) icon.replaceWith(coming);
}

function say(words) {
  let note = document.getElementById("live-note");
  if (!note) {
    if (!words) return;
    note = document.createElement("p");
    note.id = "live-note";
    note.className = "loss";
    note.setAttribute("role", "status");
    document.getElementById("live").before(note);
  }
  if (words) note.textContent = words;
  else note.remove();
}

function finish(words) {
  over = true;
  stream?.close();
  clearTimeout(timer);
  if (words) say(words);
}

async function look() {
  const headers = { Accept: "text/html" };
  if (tag) headers["If-None-Match"] = tag;
  const answer = await fetch(page, {
    headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE),
  });
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    finish("You are signed out, so this page no longer follows what happens. Sign in again in another tab, then reload.");
  } else if (answer.status === 403) {
    finish("You may no longer see this page, so it no longer follows what happens.");
  } else if (answer.status === 200) {
    const text = await answer.text();
    // in the meantime a pointer may have gone down
    while (performance.now() < heldUntil) await new Promise((resolve) => setTimeout(resolve, 100));
    show(text);
    tag = answer.headers.get("ETag");
  } else if (answer.status === 404 || answer.status === 405) {
    finish("What this page shows is no longer there, or you may no longer see it.");
  } else if (answer.status !== 304) {
    throw new Error(`answered ${answer.status}`);
  }
}

async function lookOnce() {
  timer = 0;
  again = looking;
  if (looking || over) return;
  looking = true;
  lookedAt = performance.now();
  try {
    await look();
    failures = 0;
    if (!over) say("");
  } catch {
    failures += 1;
    if (failures === 3) say("The service does not answer: what you see may be old.");
  } finally {
    looking = false;
    if (again) soon();
    else if (!timer) wait();
  }
}

// ---- when to look

function soon() {
  again = false;
  if (over) return;
  const due = Math.max(GATHER, lookedAt + BETWEEN - performance.now());
  clearTimeout(timer);
  timer = setTimeout(lookOnce, due);
}

function wait() {
  if (over) return;
  clearTimeout(timer);
  timer = setTimeout(() => { listen(); lookOnce(); }, document.hidden ? ASK.hidden : told ? ASK.told : ASK.visible);
}

// a page that nobody sees holds no stream: browsers open only a few connections to one host
function listen() {
  if (over || stream || document.hidden || !window.EventSource || performance.now() < retryAt) return;
  stream = new EventSource(new URL("../api/v1/events", import.meta.url));
  for (const kind of [...watched, "changed", "reset"]) stream.addEventListener(kind, soon);
  stream.onopen = () => {
    told = true;
    soon(); // what happened since the page was made is not told
  };
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) {
      stream = null;
      retryAt = performance.now() + AGAIN;
    }
    // once: the browser tries again every few seconds, and what is asked in between must not be put off each time
    if (told) {
      told = false;
      wait();
    }
  };
}

function hush() {
  stream?.close();
  stream = null;
  told = false;
  wait();
}

function seen() {
  listen();
  soon();
}

// another view of what the page shows: what was typed stays
function turn(event) {
  const link = event.target.closest?.("a[data-view]");
  if (!link || over || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.replaceState(null, "", link.href);
  page = location.pathname + location.search;
  tag = null;
  lookOnce();
}

// what an answer to a form says, and what it gives back of what was typed, is in no page that is fetched later
function keepAnswer(region) {
  for (const alert of region.querySelectorAll("[role=alert]")) region.before(alert);
  for (const control of region.querySelectorAll("textarea, input[type=text], input:not([type])")) {
    const typed = control.value;
    control.defaultValue = "";
    control.value = typed;
  }
}

function begin() {
  document.addEventListener("click", turn);
  for (const kind of ["pointerdown", "compositionstart", "compositionupdate"]) {
    document.addEventListener(kind, () => { heldUntil = performance.now() + HELD; });
  }
  for (const kind of ["pointerup", "pointercancel", "compositionend"]) {
    document.addEventListener(kind, () => { heldUntil = 0; });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hush();
    else seen();
  });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", (event) => { if (event.persisted) seen(); });
  listen();
  wait();
}

const live = document.getElementById("live");
if (window.Idiomorph && watched.size && live) {
  if (document.body.dataset.page) keepAnswer(live);
  // an answer to a form is at no address of its own, and follows the one that it names
  const [arrival] = performance.getEntriesByType("navigation");
  const isOwn = !arrival?.responseStatus || arrival.responseStatus === 200;
  if (isOwn || document.body.dataset.page) begin();
}
