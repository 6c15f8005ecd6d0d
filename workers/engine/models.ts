import { TextTower } from '../../src/evaluation/embed.ts';
import { type EncoderFolder, readEncoderFolder, visionConfig } from '../../src/exchange/encoder-folder.ts';
import { FolderError, ModelFolder } from '../../src/exchange/folder.ts';
import { folderIdentity } from '../../src/exchange/folder-identity.ts';
import { splitShared } from '../../src/exchange/split-shared.ts';
import { readTeacherFolder, type TeacherFolder } from '../../src/exchange/teacher-folder.ts';
import { contextOutput, contextShape } from '../../src/exchange/text-context.ts';
import { promoteTokens } from '../../src/method/tokens.ts';
import { sizeOf } from '../../src/onnx/data-types.ts';
import { isWeight } from '../../src/onnx/lift-weights.ts';
import type { Model, TensorType } from '../../src/onnx/model.ts';
import { blobSource } from '../../src/onnx/sources.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { HubCache } from '../../src/storage/hub.ts';
import { openBackends } from '../../src/storage/open.ts';
import { createTokenizer } from '../../src/text/tokenizer.ts';
import { visionGraph } from '../../src/training/network.ts';
import { hubStorage } from '../hub-protocol.ts';
import type {
  EncoderSummary,
  Listener,
  ModelFiles,
  NamedBlob,
  Progress,
  SecondEncoderSummary,
  TeacherSummary,
} from '../protocol.ts';

export interface LoadedEncoder {
  summary: EncoderSummary;
  folder: EncoderFolder;
  /** The vision tower with every weight an initialiser of its own: what trains, is scored and is exported. */
  vision: Model;
  files: ModelFiles;
}

export interface LoadedTeacher {
  summary: TeacherSummary;
  folder: TeacherFolder;
  files: ModelFiles;
}

/** Reads an encoder's folder and checks that it can be refined. Weights are not loaded. */
export async function loadEncoder(files: ModelFiles, progress?: Listener<Progress>): Promise<LoadedEncoder> {
  const opened = await open(files, progress);
  if (opened.find('unet/model.onnx')) {
    throw new FolderError(
      `${opened.name} is a diffusion model: drop it as the teacher, and as the encoder the folder of a CLIP export`,
    );
  }
  const folder = await readEncoderFolder(opened);
  const vision = splitShared(folder.vision);
  const graph = await visionGraph(vision, 1, folder.imageSize);
  const { tokens, pooled, hidden, graph: withTokens } = promoteTokens(graph);
  const [, count, projection] = withTokens.types.get(tokens)!.shape as [number, number, number];
  const width = withTokens.types.get(hidden)!.shape[2]!;
  const patches = count - 1;
  const summary: EncoderSummary = {
    id: await folderIdentity(opened),
    name: folder.name,
    family: familyOf(folder.config),
    parameters: countParameters([...vision.graph.initializers.values()].filter(isWeight)),
    bytes: folder.files.reduce((sum, file) => sum + file.bytes, 0),
    imageSize: folder.imageSize,
    patchSize: Math.round(folder.imageSize / Math.sqrt(patches)),
    patches,
    width,
    projection: withTokens.types.get(pooled)?.shape.at(-1) ?? projection,
    hasText: folder.text !== undefined && folder.tokenizer !== undefined,
    files: folder.files,
  };
  return { summary, folder, vision, files };
}

/** An encoder that is only looked through: it need not be one that can be refined. */
export interface SecondEncoder {
  summary: SecondEncoderSummary;
  folder: EncoderFolder;
  vision: Model;
}

/** Reads the folder of any image encoder, such as a DINOv2 export. Weights are not loaded. */
export async function loadSecondEncoder(
  files: ModelFiles,
  progress?: Listener<Progress>,
): Promise<SecondEncoder> {
  const opened = await open(files, progress);
  const folder = await readEncoderFolder(opened);
  return { summary: { id: await folderIdentity(opened), name: folder.name }, folder, vision: folder.vision };
}

/** Reads a teacher's folder and finds its sizes. Weights are not loaded. */
export async function loadTeacher(files: ModelFiles, progress?: Listener<Progress>): Promise<LoadedTeacher> {
  const opened = await open(files, progress);
  const folder = await readTeacherFolder(opened);
  const context = await contextShape(folder);
  const all = [folder.unet, folder.vaeEncoder, folder.textEncoder];
  const summary: TeacherSummary = {
    id: await folderIdentity(opened),
    name: folder.name,
    family: 'Latent diffusion (UNet)',
    parameters: countParameters(
      all.flatMap((model) => [...model.graph.initializers.values()].filter(isWeight)),
    ),
    bytes: folder.files.reduce((sum, file) => sum + file.bytes, 0),
    imageSize: folder.latentSize * folder.downsampling,
    latent: { channels: folder.latentChannels, size: folder.latentSize },
    context,
    files: folder.files,
  };
  return { summary, folder, files };
}

/** The text context of a prompt, [1, tokens, width]. */
export async function promptContext(
  runtime: Runtime,
  folder: TeacherFolder,
  prompt: string,
): Promise<Float32Array> {
  const tokenizer = createTokenizer(folder.tokenizer.definition, folder.tokenizer.config);
  const tower = await TextTower.open(
    runtime,
    folder.textEncoder,
    tokenizer.context,
    1,
    contextOutput(folder),
  );
  try {
    const { ids, attentionMask } = tokenizer.encode([prompt]);
    return await tower.run(ids, attentionMask);
  } finally {
    await tower.release();
  }
}

async function open(files: ModelFiles, progress?: Listener<Progress>): Promise<ModelFolder> {
  if (files.kind === 'files') {
    if (files.files.length === 0)
      throw new FolderError(`${files.name} is empty: drop a folder with a model in it`);
    return folderOf(files.name, files.files);
  }
  if (files.kind === 'hub') {
    const blobs = await new HubCache(await openBackends(hubStorage)).open(files.repository, files.files);
    return folderOf(
      files.repository,
      [...blobs].map(([path, blob]) => ({ path, blob })),
    );
  }
  return folderOf(files.id, await fetchBuiltIn(files.id, progress));
}

const folderOf = (name: string, files: readonly NamedBlob[]): ModelFolder =>
  new ModelFolder(
    name,
    // Messages name the whole path: a teacher holds several files named model.onnx.
    new Map(files.map(({ path, blob }) => [path, blobSource(path, blob)])),
  );

/** Files of a model that ships with the app; `models/manifest.json` lists them. */
async function fetchBuiltIn(id: string, progress?: Listener<Progress>): Promise<NamedBlob[]> {
  const base = new URL('../models/', self.location.href);
  const manifest = (await (await get(new URL('manifest.json', base))).json()) as Record<
    string,
    string[] | undefined
  >;
  const paths = manifest[id];
  if (!paths) throw new FolderError(`There is no built-in model "${id}"`);
  let done = 0;
  return Promise.all(
    paths.map(async (path) => {
      const blob = await (await get(new URL(`${id}/${path}`, base))).blob();
      progress?.({ label: `files of ${id}`, done: ++done, total: paths.length, secondsLeft: null });
      return { path, blob };
    }),
  );
}

async function get(url: URL): Promise<Response> {
  const response = await fetch(url);
  if (response.ok) return response;
  throw new FolderError(`${url.pathname} is missing on the server (${response.status}). Build the app again`);
}

const countParameters = (tensors: readonly TensorType[]): number =>
  tensors.reduce((sum, tensor) => sum + sizeOf(tensor.shape), 0);

function familyOf(config: Record<string, unknown>): string {
  const type = visionConfig(config)['model_type'] ?? config['model_type'];
  if (typeof type !== 'string') return 'ViT encoder';
  return type.startsWith('siglip') ? 'SigLIP ViT' : type.startsWith('clip') ? 'CLIP ViT' : type;
}
