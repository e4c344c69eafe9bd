// Keeps an open page true: hears thin events, fetches the page again, and replaces its marked regions.
//
// A page says in <body data-live="..."> which events concern it, and in data-order which order's only.
// Regions are elements with an id and data-region. One that has the focus or unsent text waits, and says so.

const BELL = "/live/bell";
const UNSURE_MILLISECONDS = 2_000;
const kinds = document.body.dataset.live.split(" ").filter(Boolean);
const texts = JSON.parse(document.body.dataset.texts); // in the language of the page
const { order, account } = document.body.dataset; // whose page it is: an opaque key
const waiting = new Map(); // region id -> its fresh element
let timer = null;
let wanted = ""; // "bell" or "page"
let running = false;
let isUnsure = kinds.length > 0; // what happened while the page was on its way was not heard

const concerns = (event) =>
  event.type === "resync" || (kinds.includes(event.type) && (!order || event.order === order));

const isChanged = (field) => {
  if (field.matches("[type=radio], [type=checkbox]")) return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
};

const hasUnsent = (part) =>
  [...part.querySelectorAll("input:not([type=hidden]), textarea, select")].some(isChanged);

const isBusy = (region) =>
  (region !== document.activeElement && region.contains(document.activeElement)) || hasUnsent(region);

const say = (text) => { document.getElementById("news").textContent = text; };

const noteId = (id) => `${id}-note`;

const makeNote = (id, text, action, act) => {
  const note = document.createElement("div");
  note.id = noteId(id);
  note.className = "note changed";
  const words = document.createElement("p");
  words.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet small";
  button.textContent = action;
  button.addEventListener("click", act);
  note.append(words, button);
  say(text);
  return note;
};

const removeNote = (id) => document.getElementById(noteId(id))?.remove();

const place = (region, fresh) => {
  for (const opened of region.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(opened.id)}`);
    if (same) same.open = true;
  }
  fresh.classList.add("fresh");
  region.replaceWith(fresh);
  fresh.dispatchEvent(new Event("placed", { bubbles: true }));
};

const plain = (region) => {
  const copy = region.cloneNode(true);
  copy.classList.remove("fresh");
  copy.removeAttribute("tabindex"); // of a region that was given the focus
  for (const hidden of copy.querySelectorAll("input[name=_key]")) hidden.remove();
  for (const details of copy.querySelectorAll("details")) details.open = false;
  for (const time of copy.querySelectorAll("time")) time.textContent = ""; // "5 minutes ago" is no news
  if (!copy.getAttribute("class")) copy.removeAttribute("class");
  return copy.outerHTML;
};

const stopWaiting = (id) => {
  removeNote(id);
  waiting.delete(id);
};

const placeNow = (id) => {
  const region = document.getElementById(id);
  const fresh = waiting.get(id);
  stopWaiting(id);
  if (region && fresh) place(region, fresh);
};

const showNow = (id) => {
  placeNow(id);
  const region = document.getElementById(id);
  region.tabIndex = -1;
  region.focus();
  if (document.activeElement !== region) document.getElementById("main").focus(); // an empty one is not shown
};

const tellOfWaiting = (region) => {
  if (region.id === "bell" || document.getElementById(noteId(region.id))) return;
  const text = hasUnsent(region) ? `${texts.changed} ${texts.typed}` : texts.changed;
  region.before(makeNote(region.id, text, texts.show_changed, () => showNow(region.id)));
};

const placeWaiting = () => {
  for (const id of waiting.keys()) {
    const region = document.getElementById(id);
    if (region && isBusy(region)) tellOfWaiting(region);
    else placeNow(id);
  }
};

// Signed out elsewhere: what is private goes from the screen, unless somebody has typed into it.
const leave = () => {
  if (!hasUnsent(document)) return location.reload();
  if (document.getElementById(noteId("session"))) return;
  const note = makeNote("session", texts.signed_out, texts.sign_in, () => location.reload());
  document.getElementById("main").prepend(note);
};

// Another account signed in: nothing of it comes into this page, and this page says so.
const tellOfAnother = (name) => {
  removeNote("session");
  if (document.getElementById(noteId("account"))) return;
  const isolated = `\u2068${name}\u2069`; // a name may be written from right to left
  const text = texts.other_account.replace("{name}", () => isolated); // as it is, "$&" too
  document.getElementById("main").prepend(makeNote("account", text, texts.reload, () => location.reload()));
};

// The site refuses to give a page parts of another account's.
const ask = async (path) => {
  const headers = { "X-Live": "1", "X-Account": account };
  const answer = await fetch(path, { headers, credentials: "same-origin" });
  const isSignedOut = new URL(answer.url).pathname === "/sign-in";
  const other = answer.headers.get("X-Account") === "another" ? await answer.text() : "";
  return { answer, isSignedOut, other };
};

const refresh = async (path) => {
  const { answer, isSignedOut, other } = await ask(path);
  if (isSignedOut) return leave();
  if (other) return tellOfAnother(other);
  if (!answer.ok) return;
  removeNote("session");
  removeNote("account");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  let changed = false;
  for (const fresh of page.querySelectorAll("[data-region]")) {
    const region = document.getElementById(fresh.id);
    if (!region || plain(region) === plain(fresh)) {
      stopWaiting(fresh.id);
      continue;
    }
    waiting.set(fresh.id, document.importNode(fresh, true));
    changed ||= fresh.id !== "bell";
    if (path === BELL && isUnsure) refreshSoon("page");
  }
  if (path === BELL) isUnsure = false;
  if (changed) {
    say(texts.news);
    document.querySelector("main > .said")?.remove(); // it spoke of how things were
  }
  placeWaiting();
};

const refreshSoon = (what) => {
  if (wanted !== "page") wanted = what;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (running) return refreshSoon(wanted);
    if (document.hidden) return; // looked at again, it is fetched
    running = true;
    const path = wanted === "page" ? location.pathname + location.search : BELL;
    wanted = "";
    try {
      await refresh(path);
    } catch {
      // The network is away: the stream says so too, and what is missed comes with its return.
    } finally {
      running = false;
    }
  }, 60);
};

// Looked at again, it is asked whose it is: somebody else may have signed in meanwhile, in another tab.
const checkAccount = () => document.hidden || refreshSoon(wanted || "bell");
document.addEventListener("visibilitychange", checkAccount);
addEventListener("focus", checkAccount);
const accounts = new BroadcastChannel("accounts");
accounts.onmessage = (message) => message.data !== account && refreshSoon("bell");
accounts.postMessage(account);

const hear = (event) => {
  if (event.type === "signed out") leave();
  else if (event.type === "another account") tellOfAnother(event.name);
  else if (concerns(event)) refreshSoon("page");
  else if (event.type === "notification.created") refreshSoon("bell");
};

// One tab holds the stream for all of an account in this browser: a browser has few connections to give.
const LIVE = `live ${account}`;
const TYPES = ["notification.created", "message.created", "order.transitioned", "payment.updated", "payout.updated",
  "review.created", "resync"];
const SHORTEST_PAUSE = 2_000;
const LONGEST_PAUSE = 30_000;
const others = new BroadcastChannel(LIVE);
others.onmessage = (message) => hear(message.data);
const tell = (event) => {
  hear(event);
  others.postMessage(event);
};

// A stream is refused to somebody who was signed out, and to everybody while the site or the API is away. The
// bell tells which: one small page, for all tabs, as often as the stream is tried again. It also tells when
// the stream would be another account's.
const isOfAnother = async () => {
  try {
    const { isSignedOut, other } = await ask(BELL);
    if (isSignedOut) tell({ type: "signed out" });
    if (other) tell({ type: "another account", name: other });
    return Boolean(other);
  } catch {
    return false; // the network is away
  }
};

const follow = (lost) => {
  let source;
  let pause = SHORTEST_PAUSE;
  let asking;
  let isOver = false;
  const openLater = async () => {
    source.close();
    const next = (await isOfAnother()) ? openLater : open;
    if (isOver) return;
    asking = setTimeout(next, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  };
  const open = () => {
    source = new EventSource("/live/events");
    source.onopen = async () => {
      if (lost && (await isOfAnother())) return openLater();
      if (lost) tell({ type: "resync" }); // what happened meanwhile was missed
      lost = false;
      pause = SHORTEST_PAUSE;
    };
    source.onerror = () => {
      lost = true;
      if (source.readyState === EventSource.CLOSED) openLater();
    };
    for (const type of TYPES) {
      source.addEventListener(type, (raw) => tell({ type, order: JSON.parse(raw.data).order_id }));
    }
  };
  open();
  return () => {
    isOver = true;
    clearTimeout(asking);
    source.close();
  };
};

const listen = async () => {
  const began = performance.now();
  const untilLeft = (wasWaiting) =>
    new Promise((end) => {
      const stop = follow(wasWaiting);
      addEventListener("pagehide", () => { stop(); end(); }, { once: true });
    });
  // Taken over from a tab that closed, the stream has a gap.
  if (navigator.locks) await navigator.locks.request(LIVE, () => untilLeft(performance.now() - began > 500));
  else await untilLeft(false);
};
listen();
if (isUnsure) setTimeout(() => isUnsure && refreshSoon("bell"), UNSURE_MILLISECONDS);

document.addEventListener("focusout", () => setTimeout(placeWaiting));
document.addEventListener("input", () => setTimeout(placeWaiting));

// Back from the browser's memory the page is old, but what was typed there is not, unless it is another's.
addEventListener("pageshow", async (event) => {
  if (!event.persisted) return;
  if (!hasUnsent(document)) return location.reload();
  try {
    if ((await ask(BELL)).other) return location.reload();
  } catch {
    // The network is away.
  }
  refreshSoon("page");
  listen();
});
