"use strict";
(() => {
  const click = (key) => {
    const found = document.querySelector(`[data-key="${key}"]`);
    if (found) found.click();
    return Boolean(found);
  };
  // What to stop at: findings, and the first line of each change.
  const stops = () => [...document.querySelectorAll("tr.mark:not(.old), tr.changed")].filter(
    (row) => row.classList.contains("mark") || !row.previousElementSibling?.classList.contains("changed"),
  );
  let here = -1;
  const go = (step) => {
    const list = stops();
    if (!list.length) return;
    here = Math.min(Math.max(here + step, 0), list.length - 1);
    const row = list[here];
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  };
  const isAtEnd = () => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 4;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isControl = event.target.closest("a, button, input, select, textarea, [contenteditable]");
    if (event.key === " ") {
      if (isControl || event.shiftKey || !isAtEnd() || !document.getElementById("toggle")) return;
      if (click("x")) event.preventDefault();
      return;
    }
    let done = true;
    if (event.key === "n") go(1);
    else if (event.key === "p") go(-1);
    else if ("jkxuwo?".includes(event.key)) done = click(event.key);
    else done = false;
    if (done) event.preventDefault();
  });
  const current = document.querySelector(".tree [aria-current]");
  if (current) {
    const tree = document.querySelector(".tree");
    tree.scrollTop = current.getBoundingClientRect().top - tree.getBoundingClientRect().top - tree.clientHeight / 3;
  }
})();
