import { specialise } from '../onnx/specialise.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import type { TeacherFolder } from './teacher-folder.ts';

/** Shape of the text context, from the types of the text encoder's graph alone. */
export async function contextShape(folder: TeacherFolder): Promise<{ tokens: number; width: number }> {
  const { context } = createTokenizer(folder.tokenizer.definition, folder.tokenizer.config);
  const shapes = Object.fromEntries(folder.textEncoder.graph.inputs.map(({ name }) => [name, [1, context]]));
  const graph = await specialise(folder.textEncoder, { shapes });
  const shape = graph.types.get(contextOutput(folder))!.shape;
  return { tokens: shape[1]!, width: shape[2]! };
}

/** The text encoder's per-token output: `last_hidden_state`, else its first. */
export function contextOutput(folder: TeacherFolder): string {
  const { outputs } = folder.textEncoder.graph;
  return (outputs.find((output) => output.name === 'last_hidden_state') ?? outputs[0]!).name;
}
