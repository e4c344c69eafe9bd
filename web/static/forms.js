// What forms do better with scripts: they are sent once, and what was typed survives a detour.

// A refused form's page answered what was sent. Back and Reload fetch the same page without sending again.
const { again } = document.body.dataset;
if (again) history.replaceState(history.state, "", again);

const keep = (storage, name, value) => {
  try {
    if (value) storage.setItem(name, value);
    else storage.removeItem(name);
  } catch {
    // No room, or storage is not allowed: then there are no drafts.
  }
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  if ("once" in form.dataset) keepKey(form);
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  const drafts = [...form.querySelectorAll("[data-draft]")].map((field) => field.dataset.draft);
  keep(sessionStorage, "sent", drafts.join(" "));
});

// A page that comes back from the browser's memory may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// Drafts: kept in this browser until they were sent. A complaint, an error or having to sign in first means
// that they were not.
const sent = sessionStorage.getItem("sent")?.split(" ") ?? [];
keep(sessionStorage, "sent", "");
const wasTaken = !document.querySelector('[role="alert"], [data-unsent]');
for (const draft of sent) if (wasTaken) keep(localStorage, `draft:${draft}`, "");

const draftOf = (field) => `draft:${field.dataset.draft}`;
const fillIn = (part) => {
  for (const field of part.querySelectorAll("[data-draft]")) {
    const draft = localStorage.getItem(draftOf(field));
    if (!draft) continue;
    if (field.type === "radio") field.checked ||= field.value === draft;
    else field.value ||= draft;
    field.closest("details")?.setAttribute("open", "");
  }
};
fillIn(document);
document.addEventListener("placed", (event) => fillIn(event.target)); // a part that is new on the page
document.addEventListener("input", ({ target }) => {
  if (target.dataset.draft) keep(localStorage, draftOf(target), target.value);
});

// What one makes by a form with data-once is made once: come back to, the form has the key it was sent with,
// and sent again unchanged it is the same wish. A change that can be undone may be wished for again.
for (const form of document.querySelectorAll("form[data-once]")) {
  const sentWith = history.state?.[form.getAttribute("action")];
  if (sentWith) form.elements._key.value = sentWith;
}
const keepKey = (form) => {
  const key = { [form.getAttribute("action")]: form.elements._key.value };
  history.replaceState({ ...history.state, ...key }, "");
};

// The browser knows where its clock is.
for (const field of document.querySelectorAll("[data-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// Passwords can be looked at while they are typed.
for (const field of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain reveal";
  const whose = document.createElement("span");
  whose.className = "unseen";
  whose.textContent = ` ${field.labels[0].textContent.toLowerCase()}`;
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.replaceChildren(shown ? "Hide" : "Show", whose);
  };
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
  show(false);
  const line = document.createElement("div");
  line.className = "revealing";
  field.replaceWith(line);
  line.append(field, button);
}

// The focus is on what is wrong, first of all.
if (document.activeElement === document.body) {
  document.querySelector(".wrong :is(input, select, textarea), [autofocus]")?.focus();
}

// Menus close by Escape and by a click elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest?.("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  closeMenus(null);
  menu?.querySelector("summary").focus();
});

// A question that an address names is open.
const openNamed = () => {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && named.matches("details")) named.open = true;
};
addEventListener("hashchange", openNamed);
openNamed();
