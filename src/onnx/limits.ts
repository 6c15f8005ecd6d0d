/**
 * What a model file may ask of its reader. Real files stay far below; a file beyond one of these is refused before
 * memory or time is spent on it.
 */
export const limits = {
  /** Nodes in all graphs and functions together, before and after inlining. The largest public denoisers have some ten thousand. */
  nodes: 100_000,
  /** Protobuf messages of any kind, so that a small file cannot unfold into a large heap. */
  messages: 2_000_000,
  /** Protobuf fields, those that are skipped included. */
  fields: 5_000_000,
  /** Numbers in attributes and shapes (weights are not counted). */
  numbers: 3_000_000,
  /** Bytes of the file without its weights, names and attributes included. */
  skeletonBytes: 128 * 2 ** 20,
  /** Bytes of all tensors that are short enough to be copied on reading. */
  shortTensorBytes: 2 ** 28,
  /** Bytes of all tensors that the file's encoding forces into memory (see `decode-payloads.ts`). */
  convertedBytes: 2 ** 30,
  /** Nesting of protobuf messages; a subgraph within a node takes three. */
  nesting: 60,
  /** Axes of a tensor. */
  rank: 64,
  /** Size of one axis. */
  dimension: 2 ** 31 - 1,
  /** Bytes of the name of a value, node, operator or file. */
  nameBytes: 16_384,
} as const;

/** Largest protobuf message that its readers accept: lengths are signed 32-bit numbers. */
export const protobufBytes = 2 ** 31 - 1;
