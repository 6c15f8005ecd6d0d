import type { ImageContestant, ImageReply, ImageRequest } from './contestant.ts';

let contestant: ImageContestant | undefined;

async function answer(request: ImageRequest): Promise<ImageReply> {
  if ('open' in request) {
    contestant =
      request.open.library === 'acuity'
        ? await (await import('./acuity.ts')).openAcuity(request.open)
        : await (await import('./transformers.ts')).openTransformers(request.open);
    return { setting: contestant.setting };
  }
  const started = performance.now();
  const { rows, batch } = await contestant!.embed(request.files, request.batch);
  return { seconds: (performance.now() - started) / 1000, batch, embeddings: rows };
}

self.onmessage = async ({ data }: MessageEvent<ImageRequest>) => {
  let reply: ImageReply;
  try {
    reply = await answer(data);
  } catch (error) {
    reply = { problem: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(reply);
};
