// Runs in VS Code's page before anything of VS Code: notes when things are to be seen in it.
// All moments are in milliseconds of the clock that all processes share.

(() => {
  const bench = { rows: {}, painted: {}, typed: [], keys: [], late: [] };
  window.bench = bench;
  const now = () => performance.timeOrigin + performance.now();

  /** Notes when a row of the side bar first holds a text that matches, and when it is painted. */
  bench.watchRows = (pattern) => {
    bench.stopRows?.();
    const wanted = new RegExp(pattern);
    const observer = new MutationObserver(() => {
      for (const row of document.querySelectorAll(".sidebar .monaco-list-row")) {
        const found = wanted.exec(row.textContent)?.[0];
        if (found !== undefined && bench.rows[found] === undefined) {
          bench.rows[found] = now();
          // The frame's callbacks come before it is painted, this message after that.
          requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => (bench.painted[found] = now());
            channel.port2.postMessage(undefined);
          });
        }
      }
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true });
    bench.stopRows = () => observer.disconnect();
  };

  /** How late a timer is that wants to run each 5 ms: so long a key would wait. */
  bench.watchPauses = () => {
    let last = performance.now();
    bench.late = [];
    const timer = setInterval(() => {
      const at = performance.now();
      bench.late.push(Math.max(0, at - last - 5));
      last = at;
    }, 5);
    bench.stopPauses = () => clearInterval(timer);
  };

  /**
   * From each key, as the browser got it, until the line of the open editor that begins with
   * `mark` has one letter more.
   */
  bench.watchTyping = (mark) => {
    const lengthOf = () => {
      const lines = [...document.querySelectorAll(".editor-instance .view-line")];
      const text = lines.map((line) => line.textContent).find((one) => one.startsWith(mark));
      return text?.length ?? 0;
    };
    const begin = lengthOf();
    bench.keys = [];
    bench.typed = [];
    const pressed = (event) => bench.keys.push(event.timeStamp);
    const observer = new MutationObserver(() => {
      const at = performance.now();
      while (bench.typed.length < Math.min(lengthOf() - begin, bench.keys.length)) {
        bench.typed.push(at - bench.keys[bench.typed.length]);
      }
    });
    document.addEventListener("keydown", pressed, true);
    const editor = document.querySelector(".editor-instance .view-lines");
    observer.observe(editor, { subtree: true, childList: true, characterData: true });
    bench.stopTyping = () => {
      observer.disconnect();
      document.removeEventListener("keydown", pressed, true);
    };
  };
})();
