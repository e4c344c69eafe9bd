// Keeps an open page up to date: on each event, fetches the page and replaces the regions that changed.
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
let isUnsure = kinds.length > 0; // events before the stream was open are missed

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

const announce = (text) => { document.getElementById("news").textContent = text; };

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
  announce(text);
  return note;
};

const removeNote = (id) => document.getElementById(noteId(id))?.remove();

const replaceRegion = (region, fresh) => {
  for (const opened of region.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(opened.id)}`);
    if (same) same.open = true;
  }
  fresh.classList.add("fresh");
  region.replaceWith(fresh);
  fresh.dispatchEvent(new Event("regionreplaced", { bubbles: true }));
};

const comparableHtml = (region) => {
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

const replaceNow = (id) => {
  const region = document.getElementById(id);
  const fresh = waiting.get(id);
  stopWaiting(id);
  if (region && fresh) replaceRegion(region, fresh);
};

const showNow = (id) => {
  replaceNow(id);
  const region = document.getElementById(id);
  region.tabIndex = -1;
  region.focus();
  if (document.activeElement !== region) document.getElementById("main").focus(); // an empty one is not shown
};

const showUpdateNote = (region) => {
  if (region.id === "bell" || document.getElementById(noteId(region.id))) return;
  const text = hasUnsent(region) ? `${texts.changed} ${texts.typed}` : texts.changed;
  region.before(makeNote(region.id, text, texts.show_changed, () => showNow(region.id)));
};

const replaceWaiting = () => {
  for (const id of waiting.keys()) {
    const region = document.getElementById(id);
    if (region && isBusy(region)) showUpdateNote(region);
    else replaceNow(id);
  }
};

// Signed out in another tab: private data is removed from the screen, unless a form has unsent text.
const handleSignOut = () => {
  if (!hasUnsent(document)) return location.reload();
  if (document.getElementById(noteId("session"))) return;
  const note = makeNote("session", texts.signed_out, texts.sign_in, () => location.reload());
  document.getElementById("main").prepend(note);
};

// Another account signed in: its data never enters this page, which shows a note.
const showAccountNote = (name) => {
  removeNote("session");
  if (document.getElementById(noteId("account"))) return;
  const isolated = `\u2068${name}\u2069`; // a name may be written from right to left
  const text = texts.other_account.replace("{name}", () => isolated); // as it is, "$&" too
  document.getElementById("main").prepend(makeNote("account", text, texts.reload, () => location.reload()));
};

// The site never answers a page with data of another account.
const fetchOwn = async (path) => {
  const headers = { "X-Live": "1", "X-Account": account };
  const answer = await fetch(path, { headers, credentials: "same-origin" });
  const isSignedOut = new URL(answer.url).pathname === "/sign-in";
  const other = answer.headers.get("X-Account") === "another" ? await answer.text() : "";
  return { answer, isSignedOut, other };
};

const refresh = async (path) => {
  const { answer, isSignedOut, other } = await fetchOwn(path);
  if (isSignedOut) return handleSignOut();
  if (other) return showAccountNote(other);
  if (!answer.ok) return;
  removeNote("session");
  removeNote("account");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  let changed = false;
  for (const fresh of page.querySelectorAll("[data-region]")) {
    const region = document.getElementById(fresh.id);
    if (!region || comparableHtml(region) === comparableHtml(fresh)) {
      stopWaiting(fresh.id);
      continue;
    }
    waiting.set(fresh.id, document.importNode(fresh, true));
    changed ||= fresh.id !== "bell";
    if (path === BELL && isUnsure) refreshSoon("page");
  }
  if (path === BELL) isUnsure = false;
  if (changed) {
    announce(texts.news);
    document.querySelector("main > .flash")?.remove(); // it is out of date
  }
  replaceWaiting();
};

const refreshSoon = (what) => {
  if (wanted !== "page") wanted = what;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (running) return refreshSoon(wanted);
    if (document.hidden) return; // fetched when it becomes visible
    running = true;
    const path = wanted === "page" ? location.pathname + location.search : BELL;
    wanted = "";
    try {
      await refresh(path);
    } catch {
      // The network is unavailable: the stream reconnects, and a resync follows.
    } finally {
      running = false;
    }
  }, 60);
};

// A page that becomes visible checks its account: another one may have signed in, in another tab.
const checkAccount = () => document.hidden || refreshSoon(wanted || "bell");
document.addEventListener("visibilitychange", checkAccount);
addEventListener("focus", checkAccount);
const accounts = new BroadcastChannel("accounts");
accounts.onmessage = (message) => message.data !== account && refreshSoon("bell");
accounts.postMessage(account);

const handleEvent = (event) => {
  if (event.type === "signed out") handleSignOut();
  else if (event.type === "another account") showAccountNote(event.name);
  else if (concerns(event)) refreshSoon("page");
  else if (event.type === "notification.created") refreshSoon("bell");
};

// One tab holds the stream for all tabs of an account: a browser limits its connections.
const LIVE = `live ${account}`;
const TYPES = ["notification.created", "message.created", "order.transitioned", "payment.updated", "payout.updated",
  "review.created", "resync"];
const SHORTEST_PAUSE = 2_000;
const LONGEST_PAUSE = 30_000;
const others = new BroadcastChannel(LIVE);
others.onmessage = (message) => handleEvent(message.data);
const broadcast = (event) => {
  handleEvent(event);
  others.postMessage(event);
};

// A stream is refused after a sign-out, and while the site or the API is unavailable. The page of the bell
// shows which: it is fetched once for all tabs with each retry. It also shows whether another account is
// signed in.
const isOfAnother = async () => {
  try {
    const { isSignedOut, other } = await fetchOwn(BELL);
    if (isSignedOut) broadcast({ type: "signed out" });
    if (other) broadcast({ type: "another account", name: other });
    return Boolean(other);
  } catch {
    return false; // the network is unavailable
  }
};

const openStream = (lost) => {
  let source;
  let pause = SHORTEST_PAUSE;
  let retry;
  let isOver = false;
  const openLater = async () => {
    source.close();
    const next = (await isOfAnother()) ? openLater : open;
    if (isOver) return;
    retry = setTimeout(next, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  };
  const open = () => {
    source = new EventSource("/live/events");
    source.onopen = async () => {
      if (lost && (await isOfAnother())) return openLater();
      if (lost) broadcast({ type: "resync" }); // what happened meanwhile was missed
      lost = false;
      pause = SHORTEST_PAUSE;
    };
    source.onerror = () => {
      lost = true;
      if (source.readyState === EventSource.CLOSED) openLater();
    };
    for (const type of TYPES) {
      source.addEventListener(type, (raw) => broadcast({ type, order: JSON.parse(raw.data).order_id }));
    }
  };
  open();
  return () => {
    isOver = true;
    clearTimeout(retry);
    source.close();
  };
};

const holdStream = async () => {
  const began = performance.now();
  const untilLeft = (wasWaiting) =>
    new Promise((end) => {
      const stop = openStream(wasWaiting);
      addEventListener("pagehide", () => { stop(); end(); }, { once: true });
    });
  // After a tab that closed, the stream has a gap.
  if (navigator.locks) await navigator.locks.request(LIVE, () => untilLeft(performance.now() - began > 500));
  else await untilLeft(false);
};
holdStream();
if (isUnsure) setTimeout(() => isUnsure && refreshSoon("bell"), UNSURE_MILLISECONDS);

document.addEventListener("focusout", () => setTimeout(replaceWaiting));
document.addEventListener("input", () => setTimeout(replaceWaiting));

// A page from the back-forward cache is out of date; typed text stays unless it is another account's.
addEventListener("pageshow", async (event) => {
  if (!event.persisted) return;
  if (!hasUnsent(document)) return location.reload();
  try {
    if ((await fetchOwn(BELL)).other) return location.reload();
  } catch {
    // The network is unavailable.
  }
  refreshSoon("page");
  holdStream();
});
