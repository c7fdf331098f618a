// Makes pages pleasanter. Everything works without it.
(function () {
  "use strict";

  function tell(text) {
    var place = document.getElementById("alert");
    if (!place) { return; }
    place.textContent = "";
    var box = document.createElement("p");
    box.className = "note note--bad";
    box.textContent = text;
    place.appendChild(box);
  }

  // Who hears no answer of ours cannot know whether a form was taken; sent again, it is done once at most.
  function again(event) {
    return event.detail.requestConfig.verb === "post"
      ? " We do not know whether it was done. Please send it again: it is done once at most."
      : " Please try again.";
  }

  function focusErrors(root) {
    var errors = (root || document).querySelector("#errors");
    if (errors) { errors.focus(); }
  }

  document.addEventListener("DOMContentLoaded", function () {
    focusErrors(document);
    document.querySelectorAll("[data-print]").forEach(function (button) { button.hidden = false; });
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) { window.print(); }
    var link = event.target.closest(".errors a");
    if (link) {
      var field = document.getElementById(link.getAttribute("href").slice(1));
      if (field) { event.preventDefault(); field.focus(); field.scrollIntoView({ block: "center" }); }
    }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.hasAttribute("hx-post")) { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });

  document.addEventListener("htmx:beforeRequest", function () {
    var place = document.getElementById("alert");
    if (place) { place.textContent = ""; }
  });
  document.addEventListener("htmx:responseError", function (event) {
    var answer = event.detail.xhr;
    tell(answer.getResponseHeader("X-Told") ? answer.responseText : "That did not work." + again(event));
  });
  document.addEventListener("htmx:sendError", function (event) {
    tell("The network cannot be reached right now." + again(event));
  });

  // Live parts: where the stream is lost, ask again every now and then, and not while the page is hidden.
  document.addEventListener("htmx:sseError", function (event) { event.target.dataset.poll = "1"; });
  document.addEventListener("htmx:sseOpen", function (event) { delete event.target.dataset.poll; });
  setInterval(function () {
    if (document.hidden || !window.htmx) { return; }
    document.querySelectorAll("[sse-connect][data-poll] [data-live]").forEach(function (part) {
      window.htmx.trigger(part, "refresh");
    });
  }, 10000);
})();
