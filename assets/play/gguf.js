/* A GGUF file rewritten without being read whole: fewer layers, or one more bias. So a logit lens (the model cut after a
   layer, its own last norm and unembedding behind it) and a constant added to the residual stream run in llama.cpp as it is. */

import { readHead } from "./tokenizer.js";

const HEAD = 8 << 20; // metadata and the list of tensors of this book's files fit

/** Where a GGUF file's tensors stand: {facts, keys: [from, to], at: {key: place of its value}, tensors, data}. */
export async function layout(blob) {
  const buffer = await blob.slice(0, HEAD).arrayBuffer(), view = new DataView(buffer), places = {};
  const facts = readHead(buffer, places), count = Number(view.getBigUint64(8, true));
  let at = places.end;
  const tensors = [];
  for (let i = 0; i < count; i++) {
    const length = Number(view.getBigUint64(at, true)), name = new TextDecoder().decode(new Uint8Array(buffer, at + 8, length));
    const dims = view.getUint32(at + 8 + length, true), end = at + 8 + length + 4 + 8 * dims + 4 + 8;
    tensors.push({ name, info: buffer.slice(at, end - 8), offset: Number(view.getBigUint64(end - 8, true)) });
    at = end;
  }
  const align = facts["general.alignment"] ?? 32, data = Math.ceil(at / align) * align;
  tensors.forEach((tensor, i) => { tensor.size = (tensors[i + 1]?.offset ?? blob.size - data) - tensor.offset; });
  return { facts, buffer, places, tensors, data, align };
}

/** The file with its first `layers` layers alone, and with `bias` = {name, values}, a vector in 32-bit floats. */
export async function rewritten(blob, { layers = Infinity, bias } = {}) {
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
  for (const { info, offset: from, size } of kept) { add(info, blob.slice(data + from, data + from + size), size); }
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
