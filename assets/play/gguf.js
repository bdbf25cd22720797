/* A GGUF file rewritten without being read whole: fewer layers, one more bias, or its weights in 32 bits. So a logit lens
   (the model cut after a layer, its own last norm and unembedding behind it), a constant added to the residual stream, and
   arithmetic without rounding run in llama.cpp as it is. */

import { readHead } from "./tokenizer.js";

const HEAD = 8 << 20; // metadata and the list of tensors of this book's files fit

const FLOATS = 0; // the format's number of 32-bit floats; below, those of weights in blocks of 32
const BLOCKS = {
  3: { name: "Q4_1", bytes: 20, read(view, at, out, to) { // scale, lowest, then two weights a byte
    const scale = half(view.getUint16(at, true)), lowest = half(view.getUint16(at + 2, true));
    for (let i = 0; i < 16; i++) {
      const both = view.getUint8(at + 4 + i);
      out[to + i] = scale * (both & 15) + lowest;
      out[to + 16 + i] = scale * (both >> 4) + lowest;
    }
  } },
  8: { name: "Q8_0", bytes: 34, read(view, at, out, to) { // scale, then a weight a byte
    const scale = half(view.getUint16(at, true));
    for (let i = 0; i < 32; i++) { out[to + i] = scale * view.getInt8(at + 2 + i); }
  } },
};

/** A number in 16 bits (sign, five bits of exponent, ten of fraction). */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) { return fraction ? NaN : sign * Infinity; }
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

/** A tensor's weights as 32-bit floats, as the format defines them. */
async function floats(piece, { bytes, read }) {
  const view = new DataView(await piece.arrayBuffer()), count = Math.floor(view.byteLength / bytes);
  const out = new Float32Array(32 * count);
  for (let block = 0; block < count; block++) { read(view, block * bytes, out, 32 * block); }
  return new Blob([out]);
}

/** Where a GGUF file's tensors stand: {facts, keys: [from, to], at: {key: place of its value}, tensors, data}. */
export async function layout(blob) {
  const buffer = await blob.slice(0, HEAD).arrayBuffer(), view = new DataView(buffer), places = {};
  const facts = readHead(buffer, places), count = Number(view.getBigUint64(8, true));
  let at = places.end;
  const tensors = [];
  for (let i = 0; i < count; i++) {
    const length = Number(view.getBigUint64(at, true)), name = new TextDecoder().decode(new Uint8Array(buffer, at + 8, length));
    const dims = view.getUint32(at + 8 + length, true), end = at + 8 + length + 4 + 8 * dims + 4 + 8;
    tensors.push({
      name, info: buffer.slice(at, end - 8), kind: view.getUint32(end - 12, true), offset: Number(view.getBigUint64(end - 8, true)),
      count: Array.from({ length: dims }, (_, d) => Number(view.getBigUint64(at + 12 + length + 8 * d, true))).reduce((a, b) => a * b, 1),
    });
    at = end;
  }
  const align = facts["general.alignment"] ?? 32, data = Math.ceil(at / align) * align;
  tensors.forEach((tensor, i) => { tensor.size = (tensors[i + 1]?.offset ?? blob.size - data) - tensor.offset; });
  return { facts, buffer, places, tensors, data, align };
}

/** The file with its first `layers` layers alone, with `bias` = {name, values}, a vector in 32-bit floats, and, where
    `exact`, with every weight in 32 bits: the same weights, which llama.cpp then multiplies without rounding. */
export async function rewritten(blob, { layers = Infinity, bias, exact = false } = {}) {
  const { facts, buffer, places, tensors, data, align } = await layout(blob);
  const head = buffer.slice(0, places.end), view = new DataView(head);
  const kept = tensors.filter(({ name }) => !(Number(/^blk\.(\d+)\./.exec(name)?.[1]) >= layers));
  const blocks = places.values["llama.block_count"];
  if (blocks !== undefined && layers < facts["llama.block_count"]) { view.setUint32(blocks, layers, true); }
  view.setBigUint64(8, BigInt(kept.length + (bias ? 1 : 0)), true);
  const infos = [], pieces = [];
  let offset = 0;
  const add = (info, piece, size) => {
    const place = new DataView(new ArrayBuffer(8)), padded = Math.ceil(size / align) * align;
    place.setBigUint64(0, BigInt(offset), true);
    infos.push(info, place.buffer);
    pieces.push(piece, new Uint8Array(padded - size));
    offset += padded;
  };
  for (const { info, kind, count, offset: from, size } of kept) {
    const piece = blob.slice(data + from, data + from + size);
    if (!exact || !BLOCKS[kind]) { add(info, piece, size); continue; }
    const told = info.slice(0);
    new DataView(told).setUint32(told.byteLength - 4, FLOATS, true);
    add(told, await floats(piece.slice(0, BLOCKS[kind].bytes * count / 32), BLOCKS[kind]), 4 * count);
  }
  if (bias) { // name, one dimension, 32-bit floats
    const name = new TextEncoder().encode(bias.name), info = new DataView(new ArrayBuffer(8 + name.length + 4 + 8 + 4));
    info.setBigUint64(0, BigInt(name.length), true);
    new Uint8Array(info.buffer, 8, name.length).set(name);
    info.setUint32(8 + name.length, 1, true);
    info.setBigUint64(12 + name.length, BigInt(bias.values.length), true);
    info.setUint32(20 + name.length, 0, true);
    add(info.buffer, bias.values, bias.values.byteLength);
  }
  const front = new Blob([head, ...infos]), room = Math.ceil(front.size / align) * align - front.size;
  return new Blob([front, new Uint8Array(room), ...pieces]);
}
