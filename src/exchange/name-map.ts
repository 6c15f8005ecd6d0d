import { isFloat, sizeOf } from '../onnx/data-types.ts';
import { UnsupportedModelError } from '../onnx/errors.ts';
import type { Model } from '../onnx/model.ts';
import { findClipVision } from './clip-vision.ts';

/** Where a graph keeps a parameter that Hugging Face has under a name of its own. */
export interface NamedParameter {
  /** Key in the state dict of `CLIPVisionModelWithProjection`. */
  name: string;
  initializer: string;
  /** The initialiser is [inputs, outputs] where PyTorch has [outputs, inputs]. */
  transposed: boolean;
  /** PyTorch's. */
  shape: number[];
}

export interface NameMap {
  parameters: NamedParameter[];
  /** Floating-point initialisers of several elements that are no parameter. */
  rest: string[];
}

/**
 * Maps the initialisers of a CLIP vision export to Hugging Face's parameter names, by the structure of the graph.
 *
 * @throws UnsupportedModelError when the graph is no CLIP vision transformer, or when parameters share an
 *   initialiser: `splitShared` (split-shared.ts) first.
 */
export function mapClipVision(model: Model): NameMap {
  const parameters = findClipVision(model.graph).map(({ name, use, transposed, shape }) => {
    return { name, initializer: use.initializer, transposed, shape };
  });
  const owners = new Map<string, string>();
  for (const { name, initializer } of parameters) {
    const other = owners.get(initializer);
    if (other !== undefined) {
      throw new UnsupportedModelError(
        `${other} and ${name} share an initialiser`,
        { value: initializer },
        'Split shared initialisers before mapping',
      );
    }
    owners.set(initializer, name);
  }
  const rest = [...model.graph.initializers]
    .filter(([name, { dtype, shape }]) => isFloat(dtype) && sizeOf(shape) > 1 && !owners.has(name))
    .map(([name]) => name);
  return { parameters, rest };
}
