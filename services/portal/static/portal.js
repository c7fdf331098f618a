// Makes the members' pages pleasanter and easier to leave. Everything works without it.
(function () {
  "use strict";

  // -- leaving: cover the page at once, end the session, show something else in this page's place -----------------

  function leave(link) {
    document.documentElement.style.display = "none";
    document.title = "";
    if (link.dataset.out && navigator.sendBeacon) {
      var form = new FormData();
      form.append("csrf", link.dataset.out);
      navigator.sendBeacon("/my/sign-out", form);
    }
    window.location.replace(link.href);
  }

  var exit = document.querySelector("[data-exit]");
  if (exit) {
    exit.addEventListener("click", function (event) { event.preventDefault(); leave(exit); });
    var pressed = [];
    document.addEventListener("keyup", function (event) {
      if (event.key !== "Shift") { pressed = []; return; }
      var now = Date.now();
      pressed = pressed.filter(function (at) { return now - at < 5000; });
      pressed.push(now);
      if (pressed.length >= 3) { leave(exit); }
    });
  }

  // -- the code of the feedback form stands in the address's fragment, which no server sees; take it out of sight --

  var code = document.getElementById("code");
  if (window.location.pathname === "/f" && code && window.location.hash.length > 1) {
    if (!code.value) {
      try { code.value = decodeURIComponent(window.location.hash.slice(1)); } catch (error) { code.value = ""; }
    }
    history.replaceState(null, "", "/f");
  }

  // -- the country is asked for phone numbers only -----------------------------------------------------------------

  var only = document.querySelector("[data-only-for]");
  function show() {
    var chosen = document.querySelector("input[name=channel]:checked");
    only.hidden = !!chosen && chosen.value !== only.dataset.onlyFor;
  }
  if (only) {
    document.querySelectorAll("input[name=channel]").forEach(function (each) { each.addEventListener("change", show); });
    show();
  }
})();
