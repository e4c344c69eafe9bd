// Keeps an open page true: hears thin events, fetches the page again, and replaces its marked regions.
//
// A page says in <body data-live="..."> which events concern it, and in data-order which order's only.
// Regions are elements with an id and data-region. One that has the focus or unsent text waits.

const kinds = document.body.dataset.live.split(" ").filter(Boolean);
const order = document.body.dataset.order;
const waiting = new Map(); // region id -> its fresh element
let timer = null;
let again = false;
let running = false;

const concerns = (event) =>
  event.type === "resync" || (kinds.includes(event.type) && (!order || event.order === order));

const isBusy = (region) => {
  if (region.contains(document.activeElement)) return true;
  return [...region.querySelectorAll("input:not([type=hidden]), textarea, select")].some((field) =>
    field.matches("[type=radio], [type=checkbox]")
      ? field.checked !== field.defaultChecked
      : field.matches("select")
        ? [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0
        : field.value !== field.defaultValue,
  );
};

const place = (region, fresh) => {
  for (const opened of region.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(opened.id)}`);
    if (same) same.open = true;
  }
  fresh.classList.add("fresh");
  region.replaceWith(fresh);
};

const plain = (region) => {
  const copy = region.cloneNode(true);
  copy.classList.remove("fresh");
  for (const hidden of copy.querySelectorAll("input[name=_key]")) hidden.remove();
  for (const details of copy.querySelectorAll("details")) details.open = false;
  if (!copy.getAttribute("class")) copy.removeAttribute("class");
  return copy.outerHTML;
};

const placeWaiting = () => {
  for (const [id, fresh] of waiting) {
    const region = document.getElementById(id);
    if (region && isBusy(region)) continue;
    waiting.delete(id);
    if (region) place(region, fresh);
  }
};

const refresh = async (path) => {
  const answer = await fetch(path, { headers: { "X-Live": "1" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  let changed = false;
  for (const fresh of page.querySelectorAll("[data-region]")) {
    const region = document.getElementById(fresh.id);
    if (!region || plain(region) === plain(fresh)) {
      waiting.delete(fresh.id);
      continue;
    }
    waiting.set(fresh.id, document.importNode(fresh, true));
    changed ||= fresh.id !== "bell";
  }
  placeWaiting();
  if (changed) document.getElementById("news").textContent = "This page has news.";
};

const refreshSoon = (whole) => {
  again ||= whole;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (running) return refreshSoon(false);
    running = true;
    const path = again ? location.pathname + location.search : "/live/bell";
    again = false;
    try {
      await refresh(path);
    } catch {
      // The network is away: the stream says so too, and what is missed comes with its return.
    } finally {
      running = false;
    }
  }, 60);
};

const hear = (event) => {
  if (concerns(event)) refreshSoon(true);
  else if (event.type === "notification.created") refreshSoon(false);
};

// One tab holds the stream for all of this browser: a browser has few connections to give.
const others = new BroadcastChannel("live");
others.onmessage = (message) => hear(message.data);

const listen = () =>
  new Promise((end) => {
    const TYPES = ["notification.created", "message.created", "order.transitioned", "payment.updated",
      "payout.updated", "review.created", "resync"];
    let source;
    let lost = false;
    let pause = 5000;
    const open = () => {
      source = new EventSource("/live/events");
      source.onopen = () => {
        if (lost) tell({ type: "resync" }); // what happened meanwhile was missed
        lost = false;
        pause = 5000;
      };
      source.onerror = () => {
        lost = true;
        if (source.readyState !== EventSource.CLOSED) return;
        setTimeout(open, pause); // refused, or signed out: ask again later
        pause = Math.min(2 * pause, 60_000);
      };
      for (const type of TYPES) {
        source.addEventListener(type, (raw) => tell({ type, order: JSON.parse(raw.data).order_id }));
      }
    };
    const tell = (event) => {
      hear(event);
      others.postMessage(event);
    };
    open();
    addEventListener("pagehide", () => { source.close(); end(); }, { once: true });
  });

if (navigator.locks) navigator.locks.request("live", listen);
else listen();

document.addEventListener("focusout", () => setTimeout(placeWaiting));
document.addEventListener("input", () => setTimeout(placeWaiting));
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
