(function () {
  function halves(bytes) {
    var view = new DataView(bytes.buffer), out = new Float32Array(bytes.length / 2);
    for (var i = 0; i < out.length; i++) {
      var h = view.getUint16(2 * i, true), sign = h & 0x8000 ? -1 : 1, power = (h >> 10) & 31, rest = h & 1023;
      out[i] = power === 0 ? sign * rest * Math.pow(2, -24)
        : power === 31 ? (rest ? NaN : sign * Infinity) : sign * (1 + rest / 1024) * Math.pow(2, power - 15);
    }
    return out;
  }
  function decode(text, precision) {
    var raw = atob(text), bytes = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i++) { bytes[i] = raw.charCodeAt(i); }
    return precision === "float16" ? halves(bytes) : new Float32Array(bytes.buffer);
  }
  function Model(options, text) {
    var numbers = decode(text, options.precision), at = 0, w = {};
    Object.keys(options.shapes).forEach(function (name) {
      var size = options.shapes[name].reduce(function (a, b) { return a * b; }, 1);
      w[name] = numbers.subarray(at, at + size); at += size;
    });
    this.w = w; this.config = options.config; this.shapes = options.shapes;
  }
  /* weight (out, in) times x (in) */
  function times(weight, x) {
    var n = x.length, out = new Float32Array(weight.length / n);
    for (var i = 0; i < out.length; i++) {
      var sum = 0, row = i * n;
      for (var j = 0; j < n; j++) { sum += weight[row + j] * x[j]; }
      out[i] = sum;
    }
    return out;
  }
  function norm(x, weight, eps) {
    var mean = 0, i, out = new Float32Array(x.length);
    for (i = 0; i < x.length; i++) { mean += x[i] * x[i]; }
    var scale = 1 / Math.sqrt(mean / x.length + eps);
    for (i = 0; i < x.length; i++) { out[i] = x[i] * scale * weight[i]; }
    return out;
  }
  function softmax(x) {
    var top = -Infinity, sum = 0, i, out = new Float64Array(x.length);
    for (i = 0; i < x.length; i++) { top = Math.max(top, x[i]); }
    for (i = 0; i < x.length; i++) { out[i] = Math.exp(x[i] - top); sum += out[i]; }
    for (i = 0; i < x.length; i++) { out[i] /= sum; }
    return out;
  }
  /* rotary positions: feature i of a head's first half turns with feature i + half */
  function rotate(x, position, config) {
    var width = config.d_model / config.n_heads, half = width / 2;
    for (var head = 0; head < config.n_heads; head++) {
      for (var i = 0; i < half; i++) {
        var angle = position * Math.pow(config.rope_base, -i / half), c = Math.cos(angle), s = Math.sin(angle);
        var a = head * width + i, b = a + half, u = x[a], v = x[b];
        x[a] = u * c - v * s; x[b] = v * c + u * s;
      }
    }
    return x;
  }
  function attention(model, layer, xs) {
    var config = model.config, w = model.w, name = "layers." + layer + ".attn.", width = config.d_model / config.n_heads;
    var q = xs.map(function (x, p) { return rotate(times(w[name + "q_proj.weight"], x), p, config); });
    var k = xs.map(function (x, p) { return rotate(times(w[name + "k_proj.weight"], x), p, config); });
    var v = xs.map(function (x) { return times(w[name + "v_proj.weight"], x); });
    return xs.map(function (_, p) {
      var z = new Float32Array(config.d_model);
      for (var head = 0; head < config.n_heads; head++) {
        var first = head * width, scores = new Float64Array(p + 1), i, j;
        for (j = 0; j <= p; j++) {
          for (i = 0; i < width; i++) { scores[j] += q[p][first + i] * k[j][first + i]; }
          scores[j] /= Math.sqrt(width);
        }
        var pattern = softmax(scores);
        for (j = 0; j <= p; j++) { for (i = 0; i < width; i++) { z[first + i] += pattern[j] * v[j][first + i]; } }
      }
      return times(w[name + "o_proj.weight"], z);
    });
  }
  function mlp(model, layer, x) {
    var name = "layers." + layer + ".mlp.", gate = times(model.w[name + "gate_proj.weight"], x);
    var up = times(model.w[name + "up_proj.weight"], x);
    for (var i = 0; i < up.length; i++) { up[i] *= gate[i] / (1 + Math.exp(-gate[i])); }
    return times(model.w[name + "down_proj.weight"], up);
  }
  function add(xs, ys) { xs.forEach(function (x, p) { for (var i = 0; i < x.length; i++) { x[i] += ys[p][i]; } }); }
  Model.prototype.probabilities = function (tokens) {
    var model = this, config = this.config, w = this.w, d = config.d_model;
    var xs = tokens.slice(-config.context).map(function (t) { return w["embed.weight"].slice(t * d, (t + 1) * d); });
    for (var layer = 0; layer < config.n_layers; layer++) {
      var name = "layers." + layer + ".";
      add(xs, attention(model, layer, xs.map(function (x) { return norm(x, w[name + "attn_norm.weight"], config.eps); })));
      if (config.mlp) {
        add(xs, xs.map(function (x) { return mlp(model, layer, norm(x, w[name + "mlp_norm.weight"], config.eps)); }));
      }
    }
    return softmax(times(w["unembed.weight"], norm(xs[xs.length - 1], w["norm.weight"], config.eps)));
  };
  function tokenize(text, options) {
    var ids = new Map(options.vocab.map(function (token, i) { return [token, i]; })), out = [], unknown = [];
    if (options.separator) {
      text.split(options.separator).forEach(function (word) {
        if (word === "") { return; }
        if (ids.has(word)) { out.push(ids.get(word)); } else { unknown.push(word); }
      });
      return { ids: out, unknown: unknown };
    }
    var longest = Math.max.apply(null, options.vocab.map(function (t) { return t.length; })), at = 0;
    while (at < text.length) {
      var n = Math.min(longest, text.length - at);
      while (n > 0 && !ids.has(text.substr(at, n))) { n--; }
      if (n === 0) { unknown.push(text[at]); at++; } else { out.push(ids.get(text.substr(at, n))); at += n; }
    }
    return { ids: out, unknown: unknown };
  }
  if (typeof module !== "undefined" && module.exports) { module.exports = { Model: Model, tokenize: tokenize }; return; }

  document.querySelectorAll(".al-model:not([data-ready])").forEach(function (root) {
    root.dataset.ready = "";
    var data = root.querySelector(".al-weights"), options = JSON.parse(data.dataset.options);
    var model = new Model(options, data.dataset.weights), best = null;
    var input = root.querySelector("input"), bars = root.querySelector(".al-bars"), say = root.querySelector(".al-say");
    function percent(p) { return p < 0.01 ? "<1 %" : Math.round(100 * p) + " %"; }
    function bar(label, p, kind, pick) {
      var row = document.createElement(pick ? "button" : "div");
      row.className = "al-bar al-bar-" + kind;
      if (pick) { row.type = "button"; row.setAttribute("aria-label", label + ", " + percent(p) + ", add this token"); row.addEventListener("click", pick); }
      var name = document.createElement("span"), track = document.createElement("span"), fill = document.createElement("span");
      var value = document.createElement("span");
      name.className = "al-bar-name"; name.textContent = label === " " ? "\u2423" : label;
      track.className = "al-bar-track"; fill.style.width = (100 * p).toFixed(1) + "%"; track.appendChild(fill);
      value.className = "al-bar-value"; value.textContent = percent(p);
      row.append(name, track, value); return row;
    }
    function append(token) {
      var word = options.vocab[token], gap = options.separator && input.value && !input.value.endsWith(options.separator);
      input.value += (gap ? options.separator : "") + word; show();
    }
    function show() {
      var read = tokenize(input.value, options), tokens = options.before.concat(read.ids, options.after);
      if (read.unknown.length) { say.textContent = "Not in this model's vocabulary: " + read.unknown.join(", "); return; }
      if (!tokens.length) { say.textContent = "Type something the model knows."; bars.replaceChildren(); return; }
      var probs = Array.from(model.probabilities(tokens));
      var order = probs.map(function (_, i) { return i; }).sort(function (a, b) { return probs[b] - probs[a]; });
      var rows = Object.keys(options.readout).map(function (label) {
        return bar(label, options.readout[label].reduce(function (sum, t) { return sum + probs[t]; }, 0), "sum");
      });
      best = order[0];
      order.slice(0, options.show).forEach(function (t) { rows.push(bar(options.vocab[t], probs[t], "token", function () { append(t); })); });
      bars.replaceChildren.apply(bars, rows);
      say.textContent = "After \u201c" + input.value + "\u201d the most likely next token is \u201c" + options.vocab[best] + "\u201d (" + percent(probs[best]) + ").";
    }
    input.addEventListener("input", show);
    root.querySelector(".al-next").addEventListener("click", function () { if (best !== null) { append(best); } });
    root.querySelectorAll(".al-presets button").forEach(function (button) {
      button.addEventListener("click", function () { input.value = button.dataset.text; show(); });
    });
    show();
  });
})();
