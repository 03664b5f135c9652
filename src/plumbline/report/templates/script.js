// The HTML report's filter and language; without this script the page shows everything and still switches.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = document.getElementById("filter");
  const { host, text } = form.elements;
  const boxes = all("input[name=verdict]", form);
  const plain = (words) => words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const sections = all(".host").map((element) => ({
    element,
    anchor: element.dataset.host,
    head: plain(element.querySelector("header").textContent + (element.querySelector(".problem")?.textContent ?? "")),
    unknown: !element.querySelector(".control"),
    controls: all(".control", element).map((control) => ({
      element: control,
      verdict: control.dataset.verdict,
      words: plain(control.textContent),
    })),
  }));
  const rows = all("tr.requirement").map((element) => ({
    element,
    words: plain(element.querySelector("th").textContent),
    cells: all("[data-verdict]", element),
  }));
  const findings = all("tr.finding").map((element) => ({
    element,
    words: plain(element.querySelector("th").textContent),
    groups: all("[data-verdict]", element).map((group) => ({ group, places: all("[data-host]", group) })),
  }));

  const show = (element, shown) => { element.hidden = !shown; };

  function wanted() {
    return {
      host: host.value,
      text: plain(text.value.trim()),
      verdicts: new Set(boxes.filter((box) => box.checked).map((box) => box.value)),
    };
  }

  function apply() {
    const want = wanted();
    const verdictFits = (verdict) => !want.verdicts.size || want.verdicts.has(verdict);
    const hostFits = (anchor) => !want.host || want.host === anchor;
    let shownControls = 0;
    let allControls = 0;
    const shownHosts = new Set();
    const shownAnchors = new Set();
    for (const section of sections) {
      const named = section.head.includes(want.text);
      let any = section.unknown && named && verdictFits("unknown");
      for (const control of section.controls) {
        const fits = hostFits(section.anchor) && verdictFits(control.verdict) && (named || control.words.includes(want.text));
        show(control.element, fits);
        if (fits) shownAnchors.add(control.element.id);
        any ||= fits;
        shownControls += fits;
        allControls += 1;
      }
      any &&= hostFits(section.anchor);
      show(section.element, any);
      if (any) shownHosts.add(section.anchor);
    }
    for (const element of all(".overview tr[data-host], .matrix .cell")) show(element, shownHosts.has(element.dataset.host));
    for (const table of all(".matrix table")) {
      const columns = all("thead .cell", table).filter((cell) => !cell.hidden).length;
      for (const heading of all(".chapter-row th", table)) heading.colSpan = columns + 1;
      show(table, columns > 0);
    }
    const hostNamed = want.text && sections.some((section) => section.head.includes(want.text));
    const textFits = (words) => hostNamed || words.includes(want.text);
    const leadsToShown = (element) => shownAnchors.has(element.querySelector("a").hash.slice(1));
    for (const row of rows) {
      const cells = row.cells.filter((cell) => !cell.hidden && verdictFits(cell.dataset.verdict));
      show(row.element, textFits(row.words) ? cells.length > 0 : cells.some(leadsToShown));
    }
    for (const group of all(".matrix tbody")) show(group, all("tr.requirement", group).some((row) => !row.hidden));
    for (const finding of findings) {
      for (const { group, places } of finding.groups) {
        for (const place of places) show(place, shownHosts.has(place.dataset.host) && (textFits(finding.words) || leadsToShown(place)));
        show(group, verdictFits(group.dataset.verdict) && places.some((place) => !place.hidden));
      }
      show(finding.element, finding.groups.some(({ group }) => !group.hidden));
    }
    const filtered = Boolean(want.host || want.text || want.verdicts.size);
    document.getElementById("shown-controls").textContent = shownControls;
    document.getElementById("all-controls").textContent = allControls;
    show(document.getElementById("shown"), filtered);
  }

  function speak() {
    const language = document.querySelector("input[name=language]:checked").value;
    document.documentElement.lang = language;
    for (const element of all("[data-en]")) element.textContent = element.dataset[language];
  }

  // An address may preset the filter: report.html#verdict=fail&host=host-srv-app-01&text=ssh&language=sk
  function followAddress() {
    const address = decodeURIComponent(location.hash.slice(1));
    if (address.includes("=")) {
      const preset = new URLSearchParams(address);
      const verdicts = new Set(preset.getAll("verdict"));
      host.value = preset.get("host") ?? "";
      text.value = preset.get("text") ?? "";
      for (const box of boxes) box.checked = verdicts.has(box.value);
      const language = document.getElementById(`language-${preset.get("language")}`);
      if (language) language.checked = true;
      speak();
      apply();
      return;
    }
    const target = document.getElementById(address);
    if (!target) return;
    if (target.closest("[hidden]")) form.reset();
    if (target.matches("details")) target.open = true;
    target.scrollIntoView();
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  for (const radio of all("input[name=language]")) radio.addEventListener("change", speak);
  addEventListener("hashchange", followAddress);
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of closed) details.open = false; });
  show(form, true);
  // The tables' headers stick below the filter, whose height depends on the window.
  new ResizeObserver(() => {
    const height = getComputedStyle(form).position === "sticky" ? form.offsetHeight : 0;
    document.documentElement.style.setProperty("--filter-height", `${height}px`);
  }).observe(form);
  speak();
  followAddress();
})();
