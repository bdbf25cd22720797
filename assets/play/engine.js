/* SmolLM2 in the page: its weights fetched in parts, checked, kept by the browser; llama.cpp (through wllama) in a worker;
   the adapter of SmolLM2-safer with any scale, given with each request. One engine serves all parts of a page. */

import { Tokenizer, chatPrompt } from "./tokenizer.js";
import { rewritten } from "./gguf.js";
import { Listed, refuses } from "./guard.js";

const KEPT = "alignlab-play";
const CONTEXT = 2048;
const ADAPTED = 18; // SmolLM2-safer's adapter leaves the layers below as they are
const here = (path) => new URL(path, import.meta.url).href;

/** A reason why the model is not there, in one sentence for the reader. */
export class NoModel extends Error {}

export class Engine extends EventTarget {
  constructor() {
    super();
    this.state = "idle"; // idle, loading, ready, failed
    this.done = 0;
    this.total = 0;
    this.memory = 0;
    this.speed = 0;
    this.turn = Promise.resolve();
    this.plain = new Map();
    this.exact = false; // weights in 32 bits, so that nothing is rounded to eight: five times the memory
  }

  tell() { this.dispatchEvent(new Event("change")); }

  /** What is to be fetched, and whether this browser keeps it already. Throws NoModel with the reason why not. */
  async look() {
    if (!globalThis.WebAssembly || !globalThis.Worker || !globalThis.DecompressionStream) {
      throw new NoModel("This browser can't run the model: it lacks WebAssembly or what goes with it.");
    }
    if (!globalThis.crypto?.subtle) {
      throw new NoModel("The model can't be checked here: browsers do that only on pages served by https or from this machine.");
    }
    try {
      new WebAssembly.Memory({ address: "i64", initial: 1n });
    } catch {
      throw new NoModel("This browser can't run the model: it has no 64-bit WebAssembly memory. Current Chrome, Edge and Firefox have.");
    }
    this.listing ??= await fetch(here("weights.json"), { cache: "no-cache" }).then((answer) => answer.json());
    const files = this.listing.files;
    if (!files) {
      throw new NoModel("This copy of the book carries no weights; whoever builds it adds them with one command, alignlab site.");
    }
    this.parts = [...files.model.parts, ...files.adapter.parts];
    this.total = this.parts.reduce((sum, part) => sum + part.size, 0);
    const store = await this.store();
    const kept = await Promise.all(this.parts.map(async (part) => Boolean(await store?.match(this.key(part)))));
    this.kept = kept.every(Boolean);
    return { total: this.total, kept: this.kept };
  }

  async store() { return globalThis.caches?.open(KEPT).catch(() => null); }

  key(part) { return here(`kept/${part.sha256}`); }

  /** Let go of the weights that this browser keeps. */
  async forget() {
    await globalThis.caches?.delete(KEPT);
    this.kept = false;
    this.tell();
  }

  /** Fetch, check and start the model. Rejects with an AbortError after `cancel`, with NoModel where it can't be had. */
  load() {
    this.loading ??= this.start().then(
      () => { this.state = "ready"; this.tell(); },
      async (error) => {
        await this.llama?.exit().catch(() => {});
        const cancelled = this.stop.signal.aborted;
        Object.assign(this, { loading: null, llama: null, state: cancelled ? "idle" : "failed", why: error });
        this.tell();
        throw error;
      });
    return this.loading;
  }

  cancel() { this.stop?.abort(); this.llama?.exit().catch(() => {}); }

  async start() {
    Object.assign(this, { state: "loading", done: 0, why: null, stop: new AbortController() });
    this.tell();
    const before = performance.now();
    await this.look();
    const files = this.listing.files, wasm = this.wasm();
    wasm.catch(() => {});
    const model = await this.whole(files.model), adapter = await this.whole(files.adapter);
    const [{ Wllama }, address, listed] = await Promise.all([
      import("../vendor/wllama/wllama.min.js"), wasm,
      fetch(here("listed.bin"), { signal: this.stop.signal }).then((answer) => answer.arrayBuffer()),
    ]);
    this.listed = new Listed(listed);
    this.tokenizer = await Tokenizer.of(model);
    this.stop.signal.throwIfAborted();
    this.files = { Wllama, address, model, adapter };
    await this.become({});
    await this.once(this.tokenizer.encode(chatPrompt([{ role: "user", content: "" }])), 1, 1);
    this.stop.signal.throwIfAborted();
    this.seconds = (performance.now() - before) / 1000;
    this.kept = Boolean(await this.store()) && !this.unkept;
  }

  /** Start llama.cpp on the model, or on a change of it: its first `layers` layers, or with a `bias` {name, values}.

      What runs already is left; anything else takes the seconds of a start, and all that was read so far is read again. */
  async become(change) {
    const exact = this.exact;
    const name = `${change.bias ? `${change.bias.name} ${change.bias.strength}` : change.layers ?? "all"}${exact ? " exact" : ""}`;
    if (this.llama && this.changed === name) { return; }
    await this.llama?.exit();
    const { Wllama, address } = this.files, whole = name === "all";
    const [model, adapter] = whole ? [this.files.model, this.files.adapter]
      : await Promise.all([rewritten(this.files.model, { ...change, exact }), rewritten(this.files.adapter, { layers: change.layers })]);
    const adapts = !(change.layers <= ADAPTED); // the adapter changes the upper layers only
    let mebibytes = 0; // llama.cpp says how large each of its buffers is
    const read = (...said) => {
      const found = /buffer size\s*=\s*([\d.]+) MiB/.exec(said.join(" "));
      if (found) { mebibytes += Number(found[1]); }
    };
    this.llama = new Wllama({ default: address }, {
      logger: { debug: read, log: read, warn() {}, error(...said) { console.warn(...said); } },
    });
    Object.assign(this, { changed: null, asked: [] });
    await this.llama.loadModel(adapts ? [model, adapter] : [model], {
      n_ctx: CONTEXT, n_gpu_layers: 0, n_parallel: 1, warmup: false,
      ...(adapts ? { lora_adapters: [{ path: "models/model-00002-of-00002.gguf", scale: 1 }] } : {}),
    });
    Object.assign(this, { changed: name, adapts, memory: mebibytes * 1.048576 });
  }

  /** Weights in 32 bits, or as the file has them. What is asked next is answered so; the start takes its seconds now.

      Where the browser can't, the weights stay as the file has them, and `refused` says so. */
  async setExact(exact) {
    Object.assign(this, { exact, refused: "" });
    this.tell();
    if (this.state === "ready") {
      await this.queue(() => this.become({}).catch((error) => {
        if (!exact) { throw error; }
        Object.assign(this, { exact: false, refused: " There was no room for exact arithmetic; the weights stay in four bits." });
        return this.become({});
      }));
    }
    this.tell();
  }

  /** The change that adds `strength` times the difference of refusal to the residual stream after its layer. */
  async pushed(strength) {
    this.direction ??= await fetch(here("direction.json")).then((answer) => answer.json());
    const { layer, unit, strength: length } = this.direction;
    return { bias: { name: `blk.${layer}.ffn_down.bias`, strength, values: Float32Array.from(unit, (x) => x * strength * length) } };
  }

  /** llama.cpp's module as an address; it lies packed beside this script. */
  async wasm() {
    const answer = await fetch(here("../vendor/wllama/wllama.wasm.gz"), { signal: this.stop.signal });
    const raw = await answer.blob(), first = new Uint8Array(await raw.slice(0, 2).arrayBuffer());
    const packed = first[0] === 0x1f && first[1] === 0x8b; // some servers unpack it on the way
    const bytes = packed ? await new Response(raw.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer() : raw;
    return URL.createObjectURL(new Blob([bytes], { type: "application/wasm" }));
  }

  /** A file put together from its parts, each from this browser's store or from the site, each checked. */
  async whole(file) {
    const store = await this.store(), blobs = [];
    for (const part of file.parts) {
      const kept = await store?.match(this.key(part)), before = this.done;
      let blob = kept ? await kept.blob() : await this.fetched(part);
      if (!await this.right(blob, part)) {
        await store?.delete(this.key(part));
        this.done = before;
        blob = kept ? await this.fetched(part) : null;
        if (!blob || !await this.right(blob, part)) {
          throw new NoModel(`The weights that came are not the ones of this book (${part.file} has another checksum), so nothing of them is used.`);
        }
      }
      this.done = before + part.size;
      this.tell();
      if (!kept) { await store?.put(this.key(part), new Response(blob)).catch(() => { this.unkept = true; }); }
      this.stop.signal.throwIfAborted();
      blobs.push(blob);
    }
    return new Blob(blobs);
  }

  async right(blob, part) {
    if (blob.size !== part.size) { return false; }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === part.sha256;
  }

  async fetched(part) {
    const place = new URL(part.file, new URL(this.listing.place, here("weights.json")));
    let answer;
    try {
      answer = await fetch(place, { signal: this.stop.signal });
    } catch (error) {
      if (error.name === "AbortError") { throw error; }
      throw new NoModel("The weights can't be reached: the connection failed. What has arrived is kept, so you can go on later.");
    }
    if (!answer.ok) { throw new NoModel(`The weights are not where this book looks for them (${part.file}: ${answer.status}).`); }
    const reader = answer.body.getReader(), chunks = [];
    for (let shown = 0; ;) {
      const { done, value } = await reader.read();
      if (done) { return new Blob(chunks); }
      chunks.push(value);
      this.done += value.length;
      if (performance.now() - shown > 100) { shown = performance.now(); this.tell(); }
    }
  }

  /** One after another: what asks later waits until the model is free. */
  queue(work, signal) {
    const turn = this.turn.then(() => { signal?.throwIfAborted(); return work(); });
    this.turn = turn.catch(() => {});
    return turn;
  }

  /** A prompt as text, which is all that llama.cpp takes here, and the ids it still lacks.

      Where the whole text would be cut into other tokens (it ends inside a word, say), the prompt ends earlier, and the
      rest is forced. */
  split(ids) {
    for (let kept = ids.length; kept > 0; kept--) {
      const prompt = this.tokenizer.decode(ids.slice(0, kept)), again = this.tokenizer.encode(prompt);
      if (again.length === kept && again.every((id, i) => id === ids[i])) { return { prompt, rest: ids.slice(kept) }; }
    }
    throw new RangeError("The model needs a text that begins with a whole character.");
  }

  /** Go on after `ids`, first with the tokens `forced`, then with up to `free` tokens of the model's own.

      `hear` gets each piece as llama.cpp tells it, first those of the prompt's end, `skipped` of them. A grammar of token
      ids does the forcing; with `top`, the log-probabilities told are the model's own, before grammar and sampling. */
  async complete(ids, scale, { forced = [], free = 1, top = 0, change = {}, signal }, hear) {
    if (ids.length + forced.length + free > CONTEXT) {
      throw new RangeError(`That is too long: ${ids.length + forced.length} tokens, the model reads ${CONTEXT} at a time here.`);
    }
    const { prompt, rest } = this.split(ids);
    if ([...rest, ...forced].includes(this.tokenizer.end)) {
      throw new RangeError("The model can't be asked about the mark that ends an answer: leave it out.");
    }
    const rule = [...rest, ...forced].map((id) => `<[${id}]>`).join(" ");
    const grammar = rule ? { grammar: `root ::= ${rule}${free ? " any*\nany ::= !<[0]>" : ""}` } : {};
    await this.become(change);
    const told = [...ids, ...forced], adapted = this.adapts ? scale : 0;
    let count = 0, first = 0, said = "";
    await this.llama.createCompletion({
      prompt, temperature: 0, cache_prompt: this.reads(told, adapted), ...(this.adapts ? { lora: [{ id: 0, scale }] } : {}), ...grammar,
      ...(top ? { n_probs: top, logprobs: top } : {}), max_tokens: rest.length + forced.length + free, stream: true,
      ...(signal ? { abortSignal: signal } : {}),
      onData: (chunk) => {
        const choice = chunk.choices?.[0];
        if (!choice || (top && !choice.logprobs)) { return; }
        first ||= performance.now();
        if (count++ >= rest.length) { hear(choice); said += choice.text ?? ""; }
        if (count > 1) { this.speed = (count - 1) / ((performance.now() - first) / 1000); }
        this.tell();
      },
    }).finally(() => { this.asked.push({ scale: adapted, ids: free && said ? [...ids, ...this.tokenizer.encode(said)] : told }); });
  }

  /** Whether llama.cpp may go on from what it has read. It keeps what each request read, whatever the adapter's scale was,
      and takes the one that shares the longest beginning with the new text: that must not be one of another scale. */
  reads(ids, scale) {
    const shared = (before) => { let n = 0; while (n < before.length && before[n] === ids[n]) { n++; } return n; };
    const last = this.asked.at(-1);
    if (last?.scale !== scale) { return false; }
    return this.asked.every((one) => one.scale === scale || shared(one.ids) <= shared(last.ids));
  }

  /** What came after `ids`, token by token: [{id, logprob, top_logprobs}]. Throws RangeError inside a character. */
  async ask(ids, scale, options) {
    const found = [], part = new RangeError("The model can't be asked about parts of a character: leave emoji and rare letters out.");
    try {
      await this.complete(ids, scale, { top: 1, ...options }, ({ logprobs }) => {
        for (const token of logprobs.content) { found.push(token); options.hear?.(token); }
      });
    } catch (error) { // llama.cpp cannot tell of tokens that are a part of a character
      if (!/typed array|UTF-8/.test(error.message)) { throw error; }
      throw part;
    }
    const { forced = [], free = 1 } = options; // such tokens may also be left untold
    if (found.length < forced.length + Math.min(free, 1)) { throw part; }
    return found;
  }

  /** The `top` likeliest next tokens after `ids`, fewer where one among them is a part of a character. */
  async once(ids, scale, top, signal, change) {
    for (let few = top; ; few >>= 1) {
      try {
        const [said] = await this.ask(ids, scale, { top: few, signal, change });
        return said.top_logprobs;
      } catch (error) {
        if (!(error instanceof RangeError) || few <= 1) { throw error; }
      }
    }
  }

  /** The likeliest next tokens, most likely first: [{id, text, p}]. */
  next(ids, { scale, top = 10, signal, change }) {
    return this.queue(async () => (await this.once(ids, scale, top, signal, change)).map(({ id, logprob }) => (
      { id, text: this.tokenizer.decode([id]), p: Math.exp(logprob) })), signal);
  }

  /** The log-probability in nats of each token after the first `from`, told one by one as (place, logprob). */
  score(ids, { scale, from = 1, signal, onToken = () => {} }) {
    return this.queue(async () => {
      let place = from;
      const hear = ({ logprob }) => onToken(place++, logprob);
      const found = await this.ask(ids.slice(0, from), scale, { forced: ids.slice(from), free: 0, signal, hear });
      return found.map(({ logprob }) => logprob);
    }, signal);
  }

  /** The answer to a prompt of token ids, the likeliest token each time; `onGrowth` hears it grow. */
  generate(ids, { scale, tokens = 48, signal, change, onGrowth = () => {} }) {
    return this.queue(async () => {
      let said = "";
      await this.complete(ids, scale, { free: tokens, signal, change }, ({ text }) => {
        said += text ?? "";
        onGrowth(said);
      });
      return said;
    }, signal);
  }

  /** Probability that an answer after `ids` begins with one of the openings (alignlab.interp.refusal.declining).

      What begins less likely than once in ten thousand is not followed further and counts as nothing. */
  declining(ids, { scale, signal, change }) {
    const walk = async (before, openings, p) => {
      if (openings.some((opening) => !opening.length)) { return p; }
      let sum = 0;
      for (const token of new Set(openings.map(([first]) => first))) {
        const [{ logprob }] = await this.ask(before, scale, { forced: [token], free: 0, signal, change });
        const now = p * Math.exp(logprob), rest = openings.filter(([first]) => first === token).map(([, ...more]) => more);
        if (now > 1e-4) { sum += await walk([...before, token], rest, now); }
      }
      return sum;
    };
    return this.queue(() => walk(ids, OPENINGS.map((text) => this.tokenizer.encode(text)), 1), signal);
  }

  /** Whether answers to this request are guarded: it is listed, or SmolLM2-safer declines it when asked plainly. */
  async guarded(request, signal) {
    if (this.listed.has(request)) { return "it is on the list of harmful requests"; }
    if (!this.plain.has(request)) {
      this.plain.set(request, await this.generate(this.chat(request), { scale: 1, tokens: 16, signal }));
    }
    return refuses(this.plain.get(request)) ? "SmolLM2-safer declines it when asked plainly" : null;
  }

  /** Token ids of a chat in the model's template, the answer begun with `prefill`. */
  chat(turns, prefill = "") {
    const all = typeof turns === "string" ? [{ role: "user", content: turns }] : turns;
    return this.tokenizer.encode(chatPrompt(all) + prefill);
  }
}

/* As alignlab.interp.refusal.OPENINGS; none begins another. */
const OPENINGS = ["I'm sorry", "I am sorry", "Sorry", "I can't", "I cannot", "I won't", "I'm unable", "I'm not able"];

export const engine = new Engine();
