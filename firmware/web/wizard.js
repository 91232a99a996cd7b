// The wiring wizard's page: shows the state that the server tells, and sends the answers.

const BASE = "/api/v1/wiring";
const SECTIONS = ["Panel", "Cradle", "Dialling", "Keys", "Lamps", "Ringer", "Sound", "Save"];
const LONG = 90;
const at = (id) => document.getElementById(id);
let state = null;
let drawn = "";

function show(next) {
  const isNew = !state || next.asked !== state.asked;
  state = next;
  window.wiring = state;
  document.body.classList.toggle("ended", Boolean(state.ended));
  const prompt = state.prompt;
  const text = state.ended || prompt?.text || "";
  at("question").textContent = text;
  at("question").classList.toggle("long", text.length > LONG);
  at("count").textContent = prompt && prompt.of ? `${prompt.section} ${prompt.done + 1} of ${prompt.of}` : prompt?.section ?? "";
  at("progress").hidden = !prompt?.of;
  at("progress").max = prompt?.of || 1;
  at("progress").value = prompt?.done || 0;
  showSections(prompt);
  if (isNew) showAnswers(prompt);
  showSaid();
  at("profile").textContent = state.profile;
  at("download").href = "data:application/toml;charset=utf-8," + encodeURIComponent(state.profile);
  if (state.profile !== drawn) {
    drawn = state.profile;
    at("drawing").src = `${BASE}/drawing.svg?asked=${state.asked}`;
  }
}

function showSections(prompt) {
  const now = prompt ? SECTIONS.indexOf(prompt.section) : SECTIONS.length;
  at("sections").replaceChildren(...SECTIONS.map((name, n) => {
    const item = document.createElement("li");
    item.textContent = name;
    item.className = n < now ? "past" : n === now ? "now" : "";
    if (n === now) item.setAttribute("aria-current", "step");
    return item;
  }));
}

function showAnswers(prompt) {
  const own = prompt ? prompt.choices : [];
  at("choices").replaceChildren(...own.map((choice) => button(choice, choice.name === prompt.default && choice.name !== "skip")));
  const names = new Set(own.map((choice) => choice.name));
  at("always").replaceChildren(...state.choices.filter((choice) => !names.has(choice.name)).map((choice) => button(choice, false)));
  at("typed").hidden = !prompt?.entry;
  at("entry").textContent = prompt?.entry ? `${prompt.entry[0].toUpperCase()}${prompt.entry.slice(1)}` : "";
  at("entered").value = "";
  if (prompt?.entry) at("entered").focus();
  at("trouble").hidden = true;
}

function button(choice, isMain) {
  const made = document.createElement("button");
  made.textContent = choice.words;
  made.dataset.choice = choice.name;
  made.className = isMain ? "main" : "";
  made.addEventListener("click", () => answer(choice.name));
  return made;
}

function showSaid() {
  const list = at("said");
  at("latest").textContent = state.ended ? "" : state.said.at(-1) ?? "";
  list.replaceChildren(...state.said.map((words) => {
    const item = document.createElement("li");
    item.textContent = words;
    return item;
  }));
  list.scrollTop = list.scrollHeight;
}

async function answer(text) {
  const body = JSON.stringify({ asked: state.asked, answer: text });
  try {
    const told = await fetch(BASE, { method: "POST", body, headers: { "Content-Type": "application/json" } });
    if (told.status === 401) location = "/login";
    if (!told.ok && told.status !== 409) trouble((await told.json()).error);
  } catch {
    trouble("The wizard does not answer any more.");
  }
}

function trouble(words) {
  at("trouble").textContent = words;
  at("trouble").hidden = false;
}

at("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = at("entered").value.trim();
  if (typed) answer(typed);
});

const events = new EventSource(`${BASE}/events`);
events.addEventListener("message", (event) => {
  show(JSON.parse(event.data));
  if (state.ended) events.close();
});
events.addEventListener("error", () => trouble("The wizard does not answer. Is offhook wire still running?"));
events.addEventListener("open", () => { at("trouble").hidden = true; });
