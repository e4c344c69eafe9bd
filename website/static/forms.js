// Enhancements of forms: each is sent once, and typed text is stored as a draft.

// A refused form's page answered what was sent. Back and Reload fetch the same page without sending again.
const { reloadPath } = document.body.dataset;
if (reloadPath) history.replaceState(history.state, "", reloadPath);

const texts = JSON.parse(document.body.dataset.texts); // in the language of the page

// The opaque key of the signed-in account; empty when there is none.
const { account } = document.body.dataset;

const store = (storage, name, value) => {
  try {
    if (value) storage.setItem(name, value);
    else storage.removeItem(name);
  } catch {
    // The storage is full or disabled: there are no drafts.
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
  if ("once" in form.dataset) storeKey(form);
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  store(sessionStorage, "sent", [...form.querySelectorAll("[data-draft]")].map(draftOf).join(" "));
});

// A page from the back-forward cache may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// Drafts are stored in this browser until they were sent. A form error, another error or the sign-in page
// means that they were not. They belong to an account: another account that signs in never sees them and
// removes them, and so does signing out. Without a session none is removed: its owner may sign in again.
const ownDrafts = `draft:${account}:`;
const hasSignedOut = "signedOut" in document.body.dataset;
const isOfAnotherAccount = (name) => name.startsWith("draft:") && (hasSignedOut || (account && !name.startsWith(ownDrafts)));
for (const name of Object.keys(localStorage)) if (isOfAnotherAccount(name)) store(localStorage, name, "");

const sent = sessionStorage.getItem("sent")?.split(" ") ?? [];
store(sessionStorage, "sent", "");
const wasAccepted = !document.querySelector('[role="alert"], [data-unsent]');
for (const draft of sent) if (wasAccepted) store(localStorage, draft, "");

const draftOf = (field) => ownDrafts + field.dataset.draft;
const isOwnPage = () => !document.getElementById("account-note"); // live.js: another account signed in meanwhile
const storeDraft = (field) => isOwnPage() && store(localStorage, draftOf(field), field.value);
const restoreDrafts = (part) => {
  for (const field of part.querySelectorAll("[data-draft]")) {
    const draft = localStorage.getItem(draftOf(field));
    if (!draft) continue;
    if (field.type === "radio") field.checked ||= field.value === draft;
    else field.value ||= draft;
    field.closest("details")?.setAttribute("open", "");
  }
};
if (reloadPath) {
  // What was typed before is on the page already, perhaps from before another account removed its draft.
  for (const field of document.querySelectorAll("textarea[data-draft]")) if (field.value) storeDraft(field);
}
restoreDrafts(document);
document.addEventListener("regionreplaced", (event) => restoreDrafts(event.target)); // a part that is new on the page
document.addEventListener("input", ({ target }) => {
  if (target.dataset.draft) storeDraft(target);
});

// A form with data-once creates something once: when its page is visited again, it has the key it was sent
// with, so that sending it unchanged is the same request. Other forms get a new key.
const stateKeyOf = (form) => `${account} ${form.getAttribute("action")}`;
for (const form of document.querySelectorAll("form[data-once]")) {
  const sentWith = history.state?.[stateKeyOf(form)];
  if (sentWith) form.elements._key.value = sentWith;
}
const storeKey = (form) => {
  const key = { [stateKeyOf(form)]: form.elements._key.value };
  history.replaceState({ ...history.state, ...key }, "");
};

// The time zone of the browser.
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
