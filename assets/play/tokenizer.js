/* The tokenizer of SmolLM2, read from the head of its own GGUF file: byte-pair encoding on bytes, digits one by one.
   `tests/test_play.py` holds it against the tokenizer that `alignlab.lm` uses. */

const KINDS = ["Uint8", "Int8", "Uint16", "Int16", "Uint32", "Int32", "Float32", "Uint8", null, null, "BigUint64", "BigInt64", "Float64"];
const WIDTHS = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** The key-value pairs of a GGUF file's head, from its first bytes; `places` hears where they end and each value stands. */
export function readHead(buffer, places = {}) {
  const view = new DataView(buffer), text = new TextDecoder();
  let at = 0;
  const number = (kind) => {
    const value = view[`get${KINDS[kind]}`](at, true);
    at += WIDTHS[kind];
    return typeof value === "bigint" ? Number(value) : value;
  };
  const string = () => {
    const length = number(10);
    at += length;
    return text.decode(new Uint8Array(buffer, at - length, length));
  };
  const value = (kind) => {
    if (kind === 8) { return string(); }
    if (kind !== 9) { return number(kind); }
    const inner = number(4), count = number(10);
    return Array.from({ length: count }, () => value(inner));
  };
  if (view.getUint32(0, true) !== 0x46554747) { throw new Error("this is no GGUF file"); }
  at = 8;
  const pairs = {}, count = (number(10), number(10));
  for (let i = 0; i < count; i++) {
    const name = string();
    const kind = number(4);
    (places.values ??= {})[name] = at;
    pairs[name] = value(kind);
  }
  places.end = at;
  return pairs;
}

/** Byte-level BPE writes each byte as a character that can be seen; this is that alphabet. */
function alphabet() {
  const shown = [];
  for (let b = 0; b < 256; b++) {
    if ((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174) { shown[b] = String.fromCharCode(b); }
  }
  let next = 256;
  for (let b = 0; b < 256; b++) { shown[b] ??= String.fromCharCode(next++); }
  return shown;
}

export class Tokenizer {
  constructor(head) {
    this.tokens = head["tokenizer.ggml.tokens"];
    this.ids = new Map(this.tokens.map((token, id) => [token, id]));
    this.ranks = new Map(head["tokenizer.ggml.merges"].map((pair, rank) => [pair, rank]));
    this.special = this.tokens.filter((_, id) => head["tokenizer.ggml.token_type"][id] === 3);
    this.isSpecial = new Set(this.special.map((token) => this.ids.get(token)));
    this.end = head["tokenizer.ggml.eos_token_id"];
    this.shown = alphabet();
    this.byte = new Map(this.shown.map((character, byte) => [character, byte]));
    this.known = new Map();
    const escaped = this.special.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    this.cut = new RegExp(`(${escaped.join("|")})`);
  }

  /** From a GGUF file as a blob. */
  static async of(blob) {
    return new Tokenizer(readHead(await blob.slice(0, 8 << 20).arrayBuffer()));
  }

  /** Token ids of a text; the special tokens' names stand for them. */
  encode(text) {
    const found = [];
    for (const piece of text.split(this.cut)) {
      if (this.special.includes(piece)) { found.push(this.ids.get(piece)); continue; }
      for (const part of piece.split(/(\p{N})/u)) {
        for (const word of part.match(WORDS) ?? []) { found.push(...this.merged(word)); }
      }
    }
    return found;
  }

  merged(word) {
    if (this.known.has(word)) { return this.known.get(word); }
    const parts = Array.from(new TextEncoder().encode(word), (byte) => this.shown[byte]);
    for (;;) {
      let best = Infinity, where = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`);
        if (rank < best) { best = rank; where = i; }
      }
      if (where < 0) { break; }
      parts.splice(where, 2, parts[where] + parts[where + 1]);
    }
    const ids = parts.map((part) => this.ids.get(part));
    this.known.set(word, ids);
    return ids;
  }

  /** A token's bytes; a special token's are those of its name. */
  bytes(id) {
    const token = this.tokens[id];
    return this.isSpecial.has(id) ? new TextEncoder().encode(token) : Uint8Array.from(token, (c) => this.byte.get(c));
  }

  /** The text of tokens; bytes that are no whole character yet show as a replacement mark. */
  decode(ids) {
    const all = ids.map((id) => Array.from(this.bytes(id))).flat();
    return new TextDecoder().decode(Uint8Array.from(all));
  }
}

/** A conversation in SmolLM2's chat template, up to where the assistant's answer begins. */
export function chatPrompt(turns) {
  const system = { role: "system", content: "You are a helpful AI assistant named SmolLM, trained by Hugging Face" };
  const all = turns[0]?.role === "system" ? turns : [system, ...turns];
  return all.map((turn) => `<|im_start|>${turn.role}\n${turn.content}<|im_end|>\n`).join("") + "<|im_start|>assistant\n";
}
