import type { NamedBlob } from '../../src/data/named-blob.ts';
import type { BenchmarkReport, BenchmarkSummary, CheckpointSummary, ImageSetSummary, ModelFiles, RunSummary } from '../protocol.ts';

/** What the engine keeps on this device between visits. */
export interface Store {
  keepModel(kind: 'encoder' | 'teacher', id: string, files: ModelFiles): Promise<void>;
  models(): Promise<{ kind: 'encoder' | 'teacher'; id: string; files: ModelFiles }[]>;
  forgetModel(id: string): Promise<void>;
  keepImages(summary: ImageSetSummary, images: readonly NamedBlob[]): Promise<void>;
  imageSets(): Promise<ImageSetSummary[]>;
  images(id: string): Promise<NamedBlob[]>;
  keepBenchmark(summary: BenchmarkSummary, files: readonly NamedBlob[]): Promise<void>;
  benchmarks(): Promise<{ summary: BenchmarkSummary; files: NamedBlob[] }[]>;
  keepRun(run: RunSummary): Promise<void>;
  runs(): Promise<RunSummary[]>;
  deleteRun(id: string): Promise<void>;
  keepCheckpoint(run: RunSummary, tensors: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Promise<CheckpointSummary>;
  checkpoints(): Promise<CheckpointSummary[]>;
  checkpoint(id: string): Promise<{ step: number; encoder: string; tensors: Map<string, Uint8Array<ArrayBuffer>> }>;
  deleteCheckpoint(id: string): Promise<void>;
  keepReport(report: BenchmarkReport): Promise<void>;
  reports(): Promise<BenchmarkReport[]>;
}

export async function openStore(): Promise<Store> {
  const models = new Map<string, { kind: 'encoder' | 'teacher'; id: string; files: ModelFiles }>();
  const sets = new Map<string, { summary: ImageSetSummary; images: NamedBlob[] }>();
  const benches = new Map<string, { summary: BenchmarkSummary; files: NamedBlob[] }>();
  const runs = new Map<string, RunSummary>();
  const cps = new Map<string, { summary: CheckpointSummary; tensors: Map<string, Uint8Array<ArrayBuffer>> }>();
  const reports: BenchmarkReport[] = [];
  return {
    async keepModel(kind, id, files) { models.set(id, { kind, id, files }); },
    async models() { return [...models.values()]; },
    async forgetModel(id) { models.delete(id); },
    async keepImages(summary, images) { sets.set(summary.id, { summary, images: images.map(({ path, blob }) => ({ path, blob })) }); },
    async imageSets() { return [...sets.values()].map((s) => s.summary); },
    async images(id) { const s = sets.get(id); if (!s) throw new Error('These images are no longer on this device: drop the folder again'); return s.images; },
    async keepBenchmark(summary, files) { benches.set(summary.id, { summary, files: [...files] }); },
    async benchmarks() { return [...benches.values()]; },
    async keepRun(run) { runs.set(run.id, structuredClone(run)); },
    async runs() { return [...runs.values()]; },
    async deleteRun(id) { runs.delete(id); },
    async keepCheckpoint(run, tensors) {
      const summary: CheckpointSummary = { id: crypto.randomUUID(), run: run.id, step: run.step, bytes: [...tensors.values()].reduce((n, t) => n + t.byteLength, 0), createdAt: new Date().toISOString(), loss: run.steps.at(-1)?.loss ?? 0, encoder: run.encoder, scores: [] };
      cps.set(summary.id, { summary, tensors: new Map(tensors) });
      return summary;
    },
    async checkpoints() { return [...cps.values()].map((c) => c.summary); },
    async checkpoint(id) { const c = cps.get(id); if (!c) throw new Error('gone'); return { step: c.summary.step, encoder: c.summary.encoder, tensors: c.tensors }; },
    async deleteCheckpoint(id) { cps.delete(id); },
    async keepReport(report) { reports.push(report); },
    async reports() { return reports; },
  };
}
