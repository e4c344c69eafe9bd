// What forms do better with scripts: they are sent once, and what was typed survives a detour.

// A refused form's page answered what was sent. Back and Reload fetch the same page without sending again.
const { again } = document.body.dataset;
if (again) history.replaceState(history.state, "", again);

const texts = JSON.parse(document.body.dataset.texts); // in the language of the page

// Whose page it is: the opaque key of an account, empty when nobody is signed in.
const { account } = document.body.dataset;

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
  keep(sessionStorage, "sent", [...form.querySelectorAll("[data-draft]")].map(draftOf).join(" "));
});

// A page that comes back from the browser's memory may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// Drafts: kept in this browser until they were sent. A complaint, an error or having to sign in first means
// that they were not. They belong to an account: the next one to sign in never sees them and removes them, and
// so does signing out. Nobody signed in removes none: a session may have ended, and its owner comes back.
const ownDrafts = `draft:${account}:`;
const hasSignedOut = "signedOut" in document.body.dataset;
const isForeign = (name) => name.startsWith("draft:") && (hasSignedOut || (account && !name.startsWith(ownDrafts)));
for (const name of Object.keys(localStorage)) if (isForeign(name)) keep(localStorage, name, "");

const sent = sessionStorage.getItem("sent")?.split(" ") ?? [];
keep(sessionStorage, "sent", "");
const wasTaken = !document.querySelector('[role="alert"], [data-unsent]');
for (const draft of sent) if (wasTaken) keep(localStorage, draft, "");

const draftOf = (field) => ownDrafts + field.dataset.draft;
const isOwnPage = () => !document.getElementById("account-note"); // live.js: another account signed in meanwhile
const keepDraft = (field) => isOwnPage() && keep(localStorage, draftOf(field), field.value);
const fillIn = (part) => {
  for (const field of part.querySelectorAll("[data-draft]")) {
    const draft = localStorage.getItem(draftOf(field));
    if (!draft) continue;
    if (field.type === "radio") field.checked ||= field.value === draft;
    else field.value ||= draft;
    field.closest("details")?.setAttribute("open", "");
  }
};
if (again) {
  // What was typed before is on the page already, perhaps from before another account removed its draft.
  for (const field of document.querySelectorAll("textarea[data-draft]")) if (field.value) keepDraft(field);
}
fillIn(document);
document.addEventListener("placed", (event) => fillIn(event.target)); // a part that is new on the page
document.addEventListener("input", ({ target }) => {
  if (target.dataset.draft) keepDraft(target);
});

// What one makes by a form with data-once is made once: come back to, the form has the key it was sent with,
// and sent again unchanged it is the same wish. A change that can be undone may be wished for again.
const placeOf = (form) => `${account} ${form.getAttribute("action")}`;
for (const form of document.querySelectorAll("form[data-once]")) {
  const sentWith = history.state?.[placeOf(form)];
  if (sentWith) form.elements._key.value = sentWith;
}
const keepKey = (form) => {
  const key = { [placeOf(form)]: form.elements._key.value };
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
  const label = field.labels[0].textContent;
  const name = document.documentElement.lang === "en" ? label.toLowerCase() : label;
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? texts.hide : texts.show;
    button.setAttribute("aria-label", (shown ? texts.hide_field : texts.show_field).replace("{field}", () => name));
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
