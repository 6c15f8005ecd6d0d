import type { RefineConfig } from '../method/config.ts';
import type { BlobRecord, BlobStore, Section } from './blobs.ts';
import { StorageError } from './errors.ts';

/** One optimiser step as a run's curves show it. */
export interface StepRecord {
  /** From 1. */
  step: number;
  loss: number;
  /** Unweighted loss of the anchor, in runs that have one. */
  anchor?: number;
  gradientNorm: number;
  learningRate: number;
  /** L2 norm of the change of all encoder weights since the start; absent in runs that do not measure it. */
  drift?: number;
  /** Factor on the gradients on their way, and updates skipped so far because one overflowed; in float16 runs. */
  lossScale?: number;
  skipped?: number;
  /** Wall-clock milliseconds of the step. */
  ms: number;
}

/** A checkpoint without its tensors. */
export interface CheckpointInfo {
  id: string;
  run: string;
  /** Optimiser steps done. */
  step: number;
  /** ISO 8601. */
  createdAt: string;
  config: RefineConfig;
  /** Id of the encoder that the run refines. */
  encoder: string;
  loss: number;
  /** Every step up to this one. */
  records: StepRecord[];
}

/** Everything that continues a run exactly. */
export interface Checkpoint extends CheckpointInfo {
  /**
   * Little-endian bytes by name: `weights/<name>`, `optimizer/<name>`, and where there is one `average/<name>` and
   * `loss_scale`.
   */
  tensors: Map<string, Uint8Array<ArrayBuffer>>;
}

/** A checkpoint in a list, with the bytes that it takes on this device. */
export type StoredCheckpoint = CheckpointInfo & { bytes: number };

interface Meta {
  info: CheckpointInfo;
  sections: Map<string, Section>;
}

const prefix = 'checkpoint/';

/** Checkpoints on this device: each is one file, whole before an older one goes. */
export class CheckpointStore {
  readonly #blobs: BlobStore;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /**
   * Keeps a checkpoint.
   *
   * @param options.replaces ids of checkpoints that go once this one is whole.
   * @throws StorageError when there is no room: the old ones stay.
   */
  async save(
    checkpoint: Checkpoint,
    options: { replaces?: readonly string[] } = {},
  ): Promise<StoredCheckpoint> {
    const { tensors, ...info } = checkpoint;
    const sections = new Map<string, Section>();
    let bytes = 0;
    for (const [name, { byteLength }] of tensors) {
      sections.set(name, { offset: bytes, length: byteLength });
      bytes += byteLength;
    }
    const meta: Meta = { info, sections };
    const record = await this.#blobs.put(prefix + info.id, tensors.values(), {
      label: `the checkpoint of step ${info.step}`,
      bytes,
      meta,
      replaces: (options.replaces ?? []).map((id) => prefix + id),
    });
    return { ...info, bytes: record.bytes };
  }

  /** All checkpoints, newest first. */
  async list(): Promise<StoredCheckpoint[]> {
    const records = await this.#blobs.list(prefix);
    return records.map((record) => ({ ...metaOf(record).info, bytes: record.bytes })).reverse();
  }

  /**
   * Reads a checkpoint into memory.
   *
   * @throws StorageError when it is not on this device any more, or damaged.
   */
  async load(id: string): Promise<Checkpoint> {
    await this.#blobs.verify(prefix + id);
    const { record, blob } = await this.#blobs.open(prefix + id);
    const { info, sections } = metaOf(record);
    const tensors = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const [name, { offset, length }] of sections) {
      tensors.set(name, new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()));
    }
    return { ...info, tensors };
  }

  async remove(id: string): Promise<void> {
    await this.#blobs.remove(prefix + id);
  }
}

function metaOf(record: BlobRecord): Meta {
  const { meta } = record;
  if (typeof meta === 'object' && meta !== null && 'info' in meta && 'sections' in meta) return meta as Meta;
  throw new StorageError('damaged', `${record.label} was stored by another version of Acuity: delete it`);
}
