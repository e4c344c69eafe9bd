// What forms do better with scripts: they are sent once, and long texts survive a detour.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  for (const text of form.querySelectorAll("[data-draft]")) sessionStorage.setItem("sent", text.dataset.draft);
});

// A page that comes back from the browser's memory may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// Drafts: kept in this browser until they were sent without a complaint, an error or a detour to sign in.
const sent = sessionStorage.getItem("sent");
sessionStorage.removeItem("sent");
if (sent && !document.querySelector('[role="alert"], [data-keeps-drafts]')) localStorage.removeItem(`draft:${sent}`);

for (const text of document.querySelectorAll("[data-draft]")) {
  const place = `draft:${text.dataset.draft}`;
  if (!text.value) text.value = localStorage.getItem(place) ?? "";
  text.addEventListener("input", () => {
    if (text.value) localStorage.setItem(place, text.value);
    else localStorage.removeItem(place);
  });
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
