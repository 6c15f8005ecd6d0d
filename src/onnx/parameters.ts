import { isFloat, sizeOf } from './data-types.ts';
import type { Tensor } from './model.ts';

/** Names that exporters make up for constants, as opposed to a module's own parameters. */
const madeUp = /^(onnx::|\d+$|\/|val_|const|scalar|lifted_tensor|_to_copy|clone|ortshared|initializer)/i;

/** What the parameters of modules that hold one number are called. */
const parameterLike = /\.|scale|bias|weight|alpha|beta|gamma|temperature/i;

/**
 * Whether an initialiser is a parameter, which may be trained and must therefore stay what the graph reads, rather
 * than a constant that may be folded away. Every floating-point tensor is, except single numbers whose name does not
 * look like a parameter's (epsilons, scales of attention, ...).
 */
export function isParameter(name: string, tensor: Tensor): boolean {
  if (!isFloat(tensor.dtype)) return false;
  if (sizeOf(tensor.shape) !== 1) return true;
  return parameterLike.test(name) && !madeUp.test(name);
}
