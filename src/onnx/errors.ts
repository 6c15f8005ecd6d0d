/** Where in a model something is wrong. All parts are optional; those present are named in the message. */
export interface GraphLocation {
  file?: string;
  node?: string;
  op?: string;
  value?: string;
  shapes?: readonly (readonly number[] | undefined)[];
  /** Values from the loss down to the offending node, for refusals of the autodiff. */
  path?: readonly string[];
}

/** Base of every refusal of a model: the file cannot be read, understood or differentiated. */
export class ModelError extends Error {
  override readonly name: string = 'ModelError';
  location: GraphLocation;
  /** What the person can do about it. */
  readonly fix: string;
  readonly #problem: string;

  constructor(problem: string, location: GraphLocation = {}, fix = '') {
    super(sentence(problem, location, fix));
    this.location = location;
    this.fix = fix;
    this.#problem = problem;
  }

  /** Adds what is known further up, such as the path, to the location and the message; keeps what is there. */
  locate(more: GraphLocation): this {
    this.location = { ...more, ...this.location };
    this.message = sentence(this.#problem, this.location, this.fix);
    return this;
  }
}

/** The bytes are not a well-formed model: truncated, cyclic, duplicate names, lengths past the end, ... */
export class MalformedModelError extends ModelError {
  override readonly name = 'MalformedModelError';
}

/** The model is well formed but uses something that this build cannot handle. */
export class UnsupportedModelError extends ModelError {
  override readonly name = 'UnsupportedModelError';
}

/** A shape or type cannot be determined, or contradicts the operator's definition. */
export class ShapeError extends ModelError {
  override readonly name = 'ShapeError';
}

/** The loss has no defined derivative along a path to a target, or no rule exists for an operator on it. */
export class GradientError extends ModelError {
  override readonly name = 'GradientError';
}

function sentence(problem: string, location: GraphLocation, fix: string): string {
  const where: string[] = [];
  if (location.file) where.push(`file ${location.file}`);
  if (location.node !== undefined) where.push(`node "${location.node}"`);
  if (location.op) where.push(`operator ${location.op}`);
  if (location.value) where.push(`value "${location.value}"`);
  if (location.shapes?.length) {
    where.push(`shapes ${location.shapes.map((s) => (s ? `[${s.join(', ')}]` : '?')).join(' ')}`);
  }
  if (location.path?.length) where.push(`path ${clipPath(location.path)}`);
  const tail = where.length > 0 ? ` (${where.join('; ')})` : '';
  return `${problem}${tail}${fix ? `. ${fix}` : ''}`;
}

/** Long paths keep both ends: the reader needs the loss, the offender and their neighbours. */
function clipPath(path: readonly string[]): string {
  const shown =
    path.length <= 8 ? path : [...path.slice(0, 4), `... ${path.length - 8} more ...`, ...path.slice(-4)];
  return shown.join(' <- ');
}
